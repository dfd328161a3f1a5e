"""An exponential moving average of the weights (Polyak and Juditsky 1992, with decay)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """The average of a module's parameters and floating-point buffers.

    ``tensors`` has the names of the module's state dict. Integer buffers are those of the module.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.tensors = {name: value.clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Count a step: average ← decay · average + (1 − decay) · current weights."""
        averages, current = [], []
        for name, value in self._module.state_dict().items():
            average = self.tensors[name]
            if value.is_floating_point():
                averages.append(average)
                current.append(value)
            else:
                average.copy_(value)
        get_ema_multi_avg_fn(decay)(averages, current, 0)

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Replace the average by saved tensors."""
        for name, average in self.tensors.items():
            average.copy_(tensors[name])

    @contextmanager
    def in_module(self) -> Iterator[None]:
        """Give the module the averaged weights inside the block, in the same memory."""
        kept = {name: value.clone() for name, value in self._module.state_dict().items()}
        self._module.load_state_dict(self.tensors)
        try:
            yield
        finally:
            self._module.load_state_dict(kept)
