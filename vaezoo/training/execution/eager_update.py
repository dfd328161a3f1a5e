"""An eager step's update: learning rates, clipping, skipping and the optimizer's own step."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.spec.spec import Spec
from vaezoo.spec.train_options import GradientClip
from vaezoo.training.build_optimizer import set_learning_rates
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.eager_optimizers import step_function
from vaezoo.training.execution.step import ScheduledValues


class EagerUpdate:
    """Updates a state's model by its gradients: ``begin``, forward and backward, ``finish``."""

    def __init__(self, spec: Spec, state: TrainingState) -> None:
        self._state = state
        self._clip = spec.train.gradient_clip
        self._most_skipped = spec.train.skip_bad_steps
        self._optimizer_step = step_function(state.optimizer)
        self._buffers: list[Tensor] = []

    def begin(self, now: ScheduledValues) -> None:
        """Set the learning rates and remove the previous gradients."""
        set_learning_rates(self._state.optimizer, now.lr_of)
        self._state.optimizer.zero_grad(set_to_none=True)
        if self._most_skipped:  # the forward pass changes buffers, such as batch averages
            self._buffers = [buffer.clone() for buffer in self._state.model.buffers()]

    def finish(self, sums: Tensor, count: int) -> Tensor:
        """Step the optimizer and return ``sums``, those of each term over ``count`` images.

        A step that is skipped returns zeros.
        """
        skipped = self._state.skipped
        if self._most_skipped:
            if not self._is_finite(sums) and skipped.in_a_row < self._most_skipped:
                skipped.skip(count)
                self._restore_buffers()
                return torch.zeros_like(sums)
            skipped.in_a_row = 0
        clip_in_place(self._state.model, self._clip)
        self._optimizer_step()
        return sums

    def _is_finite(self, sums: Tensor) -> bool:
        gradients = (p.grad for p in self._state.model.parameters() if p.grad is not None)
        finite = [values.isfinite().all() for values in (sums, *gradients)]
        return bool(torch.stack(finite).all().item())

    def _restore_buffers(self) -> None:
        for buffer, value in zip(self._state.model.buffers(), self._buffers, strict=True):
            buffer.copy_(value)


def clip_in_place(model: torch.nn.Module, clip: GradientClip | None) -> None:
    """Clip the gradients of a model."""
    if clip is None:
        return
    if clip.norm is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip.norm)
    if clip.value is not None:
        torch.nn.utils.clip_grad_value_(model.parameters(), clip.value)
