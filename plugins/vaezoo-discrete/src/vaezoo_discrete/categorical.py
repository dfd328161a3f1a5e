"""Categorical latents with Gumbel-softmax gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaezoo.model import LatentDistribution


class Categorical(LatentDistribution):
    """Independent categories with logits (B, K, *latent)."""

    def __init__(self, logits: Tensor, temperature: Tensor, *, relaxed: bool, hard: bool) -> None:
        """``relaxed`` says whether the decoder receives the relaxation, as in training."""
        self.log_shares = torch.log_softmax(logits, 1)
        self._temperature = temperature
        self._relaxed = relaxed
        self._hard = hard
        self._drawn: tuple[Tensor, Tensor] | None = None

    @property
    def mean(self) -> Tensor:
        """The most likely codes."""
        return self.log_shares.argmax(1)

    @property
    def entropy(self) -> Tensor:
        return -(self.log_shares.exp() * self.log_shares).sum(1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """arg max of logits + Gumbel noise."""
        shape = self.log_shares.shape
        device, dtype = self.log_shares.device, self.log_shares.dtype
        uniform = torch.rand(shape, generator=generator, device=device, dtype=dtype)
        noise = -torch.log(-torch.log(uniform.clamp(1e-7, 1 - 1e-7)))
        perturbed = self.log_shares + noise
        codes = perturbed.argmax(1)
        self._drawn = codes, perturbed
        return codes

    def log_prob(self, z: Tensor) -> Tensor:
        return self.log_shares.gather(1, z.unsqueeze(1)).flatten(1).sum(1)

    def features(self, z: Tensor) -> Tensor:
        one_hot = encoded(z, self.log_shares.shape[1])
        if not self._relaxed or self._drawn is None or z is not self._drawn[0]:
            return one_hot
        soft = torch.softmax(self._drawn[1] / self._temperature, 1)
        return soft + (one_hot - soft).detach() if self._hard else soft


class CategoricalFamily(nn.Module):
    """Categorical distributions; training sets the current temperature."""

    temperature: Tensor

    def __init__(self, classes: int, temperature: float, *, hard: bool) -> None:
        super().__init__()
        self.classes = classes
        self.hard = hard
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, parameters: Tensor) -> Categorical:
        """parameters (B, K, *latent): logits."""
        return Categorical(parameters, self.temperature, relaxed=self.training, hard=self.hard)

    def features(self, z: Tensor) -> Tensor:
        """Codes (B, *latent) -> one-hot, (B, K, *latent)."""
        return encoded(z, self.classes)


def encoded(z: Tensor, classes: int) -> Tensor:
    """One-hot codes, (B, K, *latent), float32."""
    return F.one_hot(z, classes).movedim(-1, 1).float()
