"""In which order the weights of convolutions lie in memory."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.training.checkpoint import TrainingState


def lay_out(state: TrainingState, order: torch.memory_format) -> None:
    """Bring the weights of convolutions, and what the optimizer keeps of each, into an order.

    ``torch.channels_last`` is what compiled convolutions are fastest with; everywhere else the
    order is ``torch.contiguous_format``. The values stay the same.
    """
    for parameter in state.model.parameters():
        if parameter.ndim != 4:
            continue
        parameter.data = parameter.data.contiguous(memory_format=order)
        kept = state.optimizer.state.get(parameter, {})
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                kept[name] = value.contiguous(memory_format=order)
