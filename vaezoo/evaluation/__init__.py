"""Compute and verify the figures of trained models."""

from vaezoo.evaluation.judge_targets import (
    concluded,
    judge,
    kept_epoch,
    named_latents,
    observations,
)
from vaezoo.registry.active_latents import UNUSED_BELOW, unused_latents

__all__ = [
    "UNUSED_BELOW",
    "concluded",
    "judge",
    "kept_epoch",
    "named_latents",
    "observations",
    "unused_latents",
]
