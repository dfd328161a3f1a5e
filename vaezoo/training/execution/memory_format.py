"""The memory format of convolution weights."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.training.checkpoint import TrainingState


def set_memory_format(state: TrainingState, memory_format: torch.memory_format) -> None:
    """Convert convolution weights and their optimizer averages; the values stay the same.

    Compiled convolutions are fastest with ``torch.channels_last``. Everything else uses
    ``torch.contiguous_format``.
    """
    for parameter in state.model.parameters():
        if parameter.ndim != 4:
            continue
        parameter.data = parameter.data.contiguous(memory_format=memory_format)
        averages = state.optimizer.state.get(parameter, {})
        for name, value in averages.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                averages[name] = value.contiguous(memory_format=memory_format)
