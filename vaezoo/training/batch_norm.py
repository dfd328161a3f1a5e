"""Batch normalization in a model."""

from __future__ import annotations

from torch import nn

_LAYERS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def has_batch_norm(model: nn.Module) -> bool:
    """Whether the model normalizes over the examples of a batch."""
    return any(isinstance(module, _LAYERS) for module in model.modules())
