"""Which latent dimensions a model uses: the rules for metrics, pictures, notes and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vaezoo.registry.contracts import Figure

#: A latent dimension with less KL than this is unused, in nats.
UNUSED_BELOW = 0.01
#: A latent dimension is active if its posterior mean varies by more than this over the images
#: (Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, section 5).
ACTIVE_ABOVE = 0.01


def unused_latents(figures: Sequence[Figure]) -> list[int]:
    """The dimensions whose KL is below ``UNUSED_BELOW``, by the first figure of the KL."""
    for figure in figures:
        if figure.role == "kl" and figure.per_dimension:
            return [i for i, nats in enumerate(figure.per_dimension) if nats < UNUSED_BELOW]
    return []


def is_active(variances: Any, threshold: float = ACTIVE_ABOVE) -> Any:
    """Whether each dimension is active, by the variance of its posterior mean."""
    return variances > threshold
