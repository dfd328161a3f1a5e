"""A training step that PyTorch runs operation by operation."""

from __future__ import annotations

from torch import Tensor

from vaezoo.data.pixels import to_unit
from vaezoo.registry.contracts import Batch
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.eager_update import EagerUpdate
from vaezoo.training.execution.graph_capture import term_sums
from vaezoo.training.execution.step import ScheduledValues


class EagerStep:
    """Forward, backward, gradient clipping and optimizer step."""

    def __init__(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        self.terms: tuple[str, ...] = ()
        self._state = state
        self._loss = loss
        self._update = EagerUpdate(spec, state)

    def prepare(self, images: Tensor) -> Tensor:
        return to_unit(images)

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        self._update.begin(now)
        terms = self._loss(self._state.model, batch, now.weights, self._state.noise)
        terms["objective"].mean().backward()
        self.terms = tuple(terms)
        return self._update.finish(term_sums(terms), len(batch.images))
