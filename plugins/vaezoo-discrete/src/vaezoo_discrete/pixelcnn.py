"""An autoregressive network over codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FIRST_KERNEL, _KERNEL = 7, 3


class MaskedConv(nn.Conv2d):
    """A convolution that sees rows above, and to the left in its own row.

    ``with_center`` says whether it sees its own position too.
    """

    mask: Tensor

    def __init__(self, before: int, after: int, kernel: int, *, with_center: bool) -> None:
        super().__init__(before, after, kernel, padding=kernel // 2)
        mask = torch.zeros(kernel, kernel)
        mask[: kernel // 2] = 1
        mask[kernel // 2, : kernel // 2 + with_center] = 1
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, before, h, w) -> (B, after, h, w)."""
        masked: Tensor = self._conv_forward(features, self.weight * self.mask, self.bias)
        return masked


class ResidualLayer(nn.Module):
    """x + f(x) with a masked convolution inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = max(channels // 2, 1)
        self.change = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, half, 1),
            nn.ReLU(),
            MaskedConv(half, half, _KERNEL, with_center=True),
            nn.ReLU(),
            nn.Conv2d(half, channels, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        changed: Tensor = features + self.change(features)
        return changed


class PixelCNN(nn.Module):
    """p(z) = Π p(zᵢ | z before i) for a row or a grid of codes."""

    def __init__(self, latent: Sequence[int], codes: int, channels: int, layers: int) -> None:
        super().__init__()
        self.latent = tuple(latent)
        self.embedding = nn.Embedding(codes, channels)
        self.first = MaskedConv(channels, channels, _FIRST_KERNEL, with_center=False)
        self.layers = nn.Sequential(*(ResidualLayer(channels) for _ in range(layers)))
        self.head = nn.Conv2d(channels, codes, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (B, *latent) -> logits (B, K, h, w) of each given those before it."""
        grid = codes.reshape(len(codes), *self._grid)
        features = self.first(self.embedding(grid).movedim(-1, 1))
        logits: Tensor = self.head(F.relu(self.layers(features)))
        return logits

    def log_prob(self, codes: Tensor) -> Tensor:
        """log p(z) of codes (B, *latent): (B,), nats."""
        log_shares = torch.log_softmax(self(codes), 1)
        chosen = codes.reshape(len(codes), 1, *self._grid)
        return log_shares.gather(1, chosen).flatten(1).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), int64, one code after another."""
        height, width = self._grid
        device = generator.device
        uniform = torch.rand(count, height, width, generator=generator, device=device)
        codes = torch.zeros(count, height, width, dtype=torch.int64, device=device)
        for row in range(height):
            for column in range(width):
                shares = torch.softmax(self(codes)[:, :, row, column], 1).cumsum(1)
                below = uniform[:, row, column, None].contiguous()
                drawn = torch.searchsorted(shares, below).squeeze(1)
                codes[:, row, column] = drawn.clamp(max=shares.shape[1] - 1)
        return codes.reshape(count, *self.latent)

    @property
    def _grid(self) -> tuple[int, int]:
        return (1, self.latent[0]) if len(self.latent) == 1 else (self.latent[0], self.latent[1])


def train(network: PixelCNN, codes: Tensor, epochs: int, batch_size: int, lr: float) -> None:
    """Maximize the log-likelihood of codes (N, *latent); the order is that of torch's seed."""
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(codes)).split(batch_size):
            batch = codes[rows]
            loss = -network.log_prob(batch).mean() / batch[0].numel()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    network.eval()
