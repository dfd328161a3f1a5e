"""Networks from vectors to diagonal Gaussians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from vaezoo.model import DiagonalGaussian, bounded_log_var

MakeActivation = Callable[[], nn.Module]


def hidden_layers(inputs: int, hidden: Sequence[int], activation: MakeActivation) -> nn.Sequential:
    """Linear layers from ``inputs`` through ``hidden``, each followed by the activation."""
    layers: list[nn.Module] = []
    for before, after in pairwise((inputs, *hidden)):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers)


class GaussianNet(nn.Module):
    """A diagonal Gaussian of ``latent`` latents, given a vector."""

    def __init__(
        self, inputs: int, hidden: Sequence[int], latent: int, activation: MakeActivation
    ) -> None:
        super().__init__()
        self.body = hidden_layers(inputs, hidden, activation)
        self.head = nn.Linear(hidden[-1], 2 * latent)

    def forward(self, given: Tensor) -> DiagonalGaussian:
        """(B, inputs) -> a distribution of (B, latent)."""
        mean, log_var = self.head(self.body(given)).chunk(2, 1)
        return DiagonalGaussian(mean, bounded_log_var(log_var))
