"""Modules of multilayer perceptrons."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vaezoo.model.condition import one_hot
from vaezoo.registry import ImageShape


def stack(widths: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Linear layers through ``widths``, each followed by the activation."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers)


class LinearHead(nn.Module):
    """Linear layers to an output of any shape: one for each index of its first dimension.

    The output of a diagonal Gaussian is (2, latent), so the mean and log σ² have a layer each.
    """

    def __init__(self, features: int, output: Sequence[int]) -> None:
        super().__init__()
        count, shape = (1, output) if len(output) == 1 else (output[0], output[1:])
        self.layers = nn.ModuleList(nn.Linear(features, math.prod(shape)) for _ in range(count))
        self.output = tuple(output)
        self.register_load_state_dict_pre_hook(_rename_old_weights)  # type: ignore[no-untyped-call]

    def forward(self, features: Tensor) -> Tensor:
        """features (B, F) -> (B, *output)."""
        parts = [layer(features) for layer in self.layers]
        joined = parts[0] if len(self.output) == 1 else torch.stack(parts, 1)
        return joined if len(self.output) <= 2 else joined.unflatten(2, self.output[1:])


def _rename_old_weights(
    module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Load weights from before the layers were numbered."""
    for number, name in enumerate(("mean", "log_var")):
        for part in ("weight", "bias"):
            if (old := f"{prefix}{name}.{part}") in state:
                state[f"{prefix}layers.{number}.{part}"] = state.pop(old)


class MLPEncoderNet(nn.Module):
    """Images -> hidden layers -> the posterior's parameters."""

    def __init__(
        self,
        pixels: int,
        hidden: Sequence[int],
        output: Sequence[int],
        activation: Callable[[], nn.Module],
        classes: int = 0,
    ) -> None:
        """``classes`` is the number of classes in a conditional model."""
        super().__init__()
        self.classes = classes
        self.body = stack((pixels + classes, *hidden), activation)
        self.head = LinearHead(hidden[-1], output)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """images (B, C, H, W) and labels (B,) in a conditional model -> (B, *output)."""
        values = images.flatten(1)
        if labels is not None:
            values = torch.cat([values, one_hot(labels, self.classes)], 1)
        parameters: Tensor = self.head(self.body(values))
        return parameters


class MLPDecoderNet(nn.Module):
    """Latents -> hidden layers -> likelihood parameters."""

    def __init__(
        self,
        latents: Sequence[int],
        hidden: Sequence[int],
        output: ImageShape,
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.body = stack((math.prod(latents), *hidden), activation)
        self.head = nn.Linear(hidden[-1], output.channels * output.height * output.width)
        self.output = output

    def forward(self, z: Tensor) -> Tensor:
        """z (B, *latents) -> (B, *output)."""
        parameters: Tensor = self.head(self.body(z.flatten(1))).unflatten(1, self.output)
        return parameters
