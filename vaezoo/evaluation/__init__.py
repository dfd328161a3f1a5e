"""Evaluation: one evaluator for every model."""

from vaezoo.evaluation.evaluator import evaluate, judge, observations, unused_latents

__all__ = ["evaluate", "judge", "observations", "unused_latents"]
