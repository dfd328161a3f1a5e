"""Evaluation: one evaluator for every model."""

from vaezoo.evaluation.evaluator import (
    UNUSED_BELOW,
    concluded,
    evaluate,
    judge,
    kept_epoch,
    named_latents,
    observations,
    unused_latents,
)

__all__ = [
    "UNUSED_BELOW",
    "concluded",
    "evaluate",
    "judge",
    "kept_epoch",
    "named_latents",
    "observations",
    "unused_latents",
]
