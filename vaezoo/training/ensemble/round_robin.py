"""Members that take turns: on a CPU, which one of them fills, each trains an epoch at a time.

Every member moves as in a run of its own. They share what is the same for all: the images and,
where steps are compiled, the program.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images, shuffled_batches
from vaezoo.data.resident import Resident
from vaezoo.registry import EpochRecord
from vaezoo.registry.contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.epoch import means_of, moments_of, record_of, validated
from vaezoo.training.execution.choose import CompileMode, choose_steps
from vaezoo.training.observer import Observer


class RoundRobin:
    """The members' states and steps, whose records each of them keeps."""

    def __init__(
        self,
        specs: Sequence[Spec],
        states: Sequence[TrainingState],
        losses: Sequence[LossModule],
        images: Tensor,
        splits: Sequence[tuple[Tensor, Tensor | None]],
        draws: Sequence[int],
        mode: CompileMode,
        observer: Observer,
    ) -> None:
        """``images`` (N, C, H, W), as stored, hold in ``splits`` the rows that each member trains
        on and validates on; ``draws`` seed what it draws to validate."""
        self.states = states
        self._specs = specs
        self._losses = losses
        self._draws = draws
        self._images: Images = Resident(images)
        self._rows = [kept for kept, _ in splits]
        self._held_out = [None if rows is None else Resident(images[rows]) for _, rows in splits]
        alike = Resident(images[: len(self._rows[0])])
        self._steps, _ = choose_steps(specs, states, losses, alike, mode, observer)

    def epoch(self) -> list[EpochRecord]:
        """One pass of every member over its images, and over what it holds out."""
        return [self._turn(member) for member in range(len(self._specs))]

    def _turn(self, member: int) -> EpochRecord:
        spec, state, step = self._specs[member], self.states[member], self._steps[member]
        rows, held_out = self._rows[member], self._held_out[member]
        loss = self._losses[member]
        began = time.perf_counter()
        order = rows[torch.randperm(len(rows), generator=state.order)]
        size = spec.train.batch_size
        moments = moments_of(spec, state.epoch, math.ceil(len(rows) / size))
        batches = shuffled_batches(self._images, order, size, step.prepare)
        state.model.train()
        sums = [step(images, now) for images, now in zip(batches, moments, strict=True)]
        means = means_of(step.terms, sums, len(rows))
        record = record_of(spec, state.epoch + 1, means, len(rows), time.perf_counter() - began)
        if held_out:
            record = validated(record, state.model, loss, held_out, self._draws[member])
        state.history.append(record)
        return record
