"""Evaluation mode for a while."""

from __future__ import annotations

from torch import nn


class evaluation_mode:
    """Evaluation mode inside the block, then each module's mode as before.

    In training mode, batch normalization would make a sample depend on the others.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def __enter__(self) -> None:
        self._modes = [(part, part.training) for part in self._model.modules()]
        self._model.eval()

    def __exit__(self, *_: object) -> None:
        for part, was_training in self._modes:
            part.training = was_training
