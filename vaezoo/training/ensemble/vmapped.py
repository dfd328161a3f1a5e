"""Train all members at once: each batch is one step, mapped over the members."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from vaezoo.model import VAE
from vaezoo.registry import Batch, EpochRecord
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.batch_norm import has_batch_norm
from vaezoo.training.ensemble.stacked import StackedStep
from vaezoo.training.ensemble.state import EnsembleState
from vaezoo.training.epoch import VALIDATION_BATCH, epoch_means, epoch_record
from vaezoo.training.execution.graph_capture import NotCapturable

#: A member's training rows, and its validation rows if any: each (N,), int64.
Rows = tuple[Tensor, Tensor | None]


class Vmapped:
    """Trains an ensemble's state. Raises NotCapturable where a step cannot be mapped."""

    def __init__(
        self, specs: Sequence[Spec], state: EnsembleState, model: VAE, loss: LossModule
    ) -> None:
        """``model`` is an example of the members' architecture."""
        if has_batch_norm(model):
            raise NotCapturable("batch normalization keeps averages that cannot be stacked")
        self._specs = specs
        self._state = state
        self._step = StackedStep(specs, state.model, model, loss, state.optimizer, state.noise.each)

    def epoch(
        self, stored: Batch, splits: Sequence[Rows], validation_seeds: Sequence[int]
    ) -> list[EpochRecord]:
        """Train and validate all members for one epoch; ``stored`` holds all images."""
        began = time.perf_counter()
        with _vmap_warnings_off():
            totals = self._train(stored, splits)
            seconds = time.perf_counter() - began
            with self._state.evaluated():
                validation = self._validate(stored, splits, validation_seeds)
        epoch, count = self._state.epoch + 1, len(splits[0][0])
        records = []
        for member, spec in enumerate(self._specs):
            means = epoch_means(self._step.terms, [totals[member]], count)
            record = epoch_record(spec, epoch, means, count, seconds)
            records.append(replace(record, validation=validation[member] if validation else None))
        return records

    def _train(self, stored: Batch, splits: Sequence[Rows]) -> Tensor:
        """The sum of each term over each member's images, (M, T)."""
        size, count = self._specs[0].train.batch_size, len(splits[0][0])
        rows = torch.stack(
            [
                training[torch.randperm(count, generator=generator, device=generator.device)]
                for (training, _), generator in zip(splits, self._state.order.each, strict=True)
            ]
        )
        steps = math.ceil(count / size)
        sums = []
        for index, which in enumerate(rows.split(size, dim=1)):
            now = self._state.epoch + index / steps
            sums.append(self._step(stored.rows(which), now))
            if self._state.average and (ema := self._specs[0].train.ema):
                self._state.average.update(ema.decay_at(now))
        return torch.stack(sums).sum(0)

    def _validate(
        self, stored: Batch, splits: Sequence[Rows], seeds: Sequence[int]
    ) -> list[dict[str, float]] | None:
        """The mean terms over each member's validation images, with the same noise every epoch."""
        validation = [rows for _, rows in splits if rows is not None]
        if not validation:
            return None
        noise = [torch.Generator(stored.images.device).manual_seed(seed) for seed in seeds]
        stacked = torch.stack(validation)
        sums = [
            self._step.terms_of(stored.rows(which), self._state.epoch + 1, noise)
            for which in stacked.split(VALIDATION_BATCH, dim=1)
        ]
        totals = torch.stack(sums).sum(0)
        return [epoch_means(self._step.terms, [total], stacked.shape[1]) for total in totals]


@contextmanager
def _vmap_warnings_off() -> Iterator[None]:
    """Hide PyTorch's warnings about operations without a batched implementation."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        yield
