"""Evaluation: one evaluator for every model."""

from vaezoo.evaluation.evaluator import (
    evaluate,
    judge,
    named_latents,
    observations,
    unused_latents,
)

__all__ = ["evaluate", "judge", "named_latents", "observations", "unused_latents"]
