"""Train members in turn, one epoch each: on a CPU, where one member uses the whole processor.

Each member trains exactly as in a run of its own. The members share the images and, where steps
are compiled, the program.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images, shuffled_batches
from vaezoo.data.resident import Resident
from vaezoo.registry import Batch, EpochRecord
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.epoch import (
    epoch_means,
    epoch_record,
    scheduled_values,
    stepped,
    validated,
)
from vaezoo.training.execution.choose_step import CompileMode, choose_steps
from vaezoo.training.observer import Observer


class RoundRobin:
    """The states and steps of all members."""

    def __init__(
        self,
        specs: Sequence[Spec],
        states: Sequence[TrainingState],
        losses: Sequence[LossModule],
        stored: Batch,
        splits: Sequence[tuple[Tensor, Tensor | None]],
        validation_seeds: Sequence[int],
        mode: CompileMode,
        observer: Observer,
    ) -> None:
        """``splits`` holds each member's training and validation rows of ``stored``, all images as
        stored; ``validation_seeds`` seed the noise of each member's validation."""
        self.states = states
        self._specs = specs
        self._losses = losses
        self._validation_seeds = validation_seeds
        self._images: Images = Resident(*stored)
        self._training = [training for training, _ in splits]
        self._validation = [
            None if rows is None else Resident(*stored.rows(rows)) for _, rows in splits
        ]
        example = Resident(*stored.rows(slice(len(self._training[0]))))
        self._steps, _ = choose_steps(specs, states, losses, example, mode, observer)

    def epoch(self) -> list[EpochRecord]:
        """Train and validate every member for one epoch."""
        return [self._member_epoch(member) for member in range(len(self._specs))]

    def _member_epoch(self, member: int) -> EpochRecord:
        spec, state, step = self._specs[member], self.states[member], self._steps[member]
        rows, validation = self._training[member], self._validation[member]
        began = time.perf_counter()
        order = rows[torch.randperm(len(rows), generator=state.order)]
        size = spec.train.batch_size
        scheduled = scheduled_values(spec, state.epoch, math.ceil(len(rows) / size))
        batches = shuffled_batches(self._images, order, size, step.prepare)
        state.model.train()
        sums = [
            stepped(state, step, batch, now) for batch, now in zip(batches, scheduled, strict=True)
        ]
        means = epoch_means(step.terms, sums, len(rows))
        seconds = time.perf_counter() - began
        record = epoch_record(spec, state.epoch + 1, means, len(rows), seconds)
        if validation:
            loss, seed = self._losses[member], self._validation_seeds[member]
            with state.evaluated():
                record = validated(record, state.model, loss, validation, seed)
        state.history.append(record)
        return record
