"""A training step that PyTorch runs operation by operation."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.data.pixels import to_unit
from vaezoo.registry.contracts import Batch
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.eager_optimizers import step_function
from vaezoo.training.execution.graph_capture import term_sums
from vaezoo.training.execution.step import ScheduledValues


class EagerStep:
    """Forward, backward, gradient clipping and optimizer step."""

    def __init__(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        self.terms: tuple[str, ...] = ()
        self._state = state
        self._loss = loss
        self._clip = spec.train.gradient_clip
        self._optimizer_step = step_function(state.optimizer)

    def prepare(self, images: Tensor) -> Tensor:
        return to_unit(images)

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        model, optimizer = self._state.model, self._state.optimizer
        for group in optimizer.param_groups:
            group["lr"] = now.lr
        optimizer.zero_grad(set_to_none=True)
        terms = self._loss(model, batch, now.weights, self._state.noise)
        terms["objective"].mean().backward()
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), self._clip)
        self._optimizer_step()
        self.terms = tuple(terms)
        return term_sums(terms)
