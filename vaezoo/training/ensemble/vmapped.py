"""Members that move at once: one step, mapped over all of them, for each batch."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.registry.contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.ensemble.stacked import Stack, StackedStep
from vaezoo.training.epoch import VALIDATION_BATCH, means_of, record_of
from vaezoo.training.execution.graph_capture import NotCapturable

#: Which images a member trains on, and which it validates on if any: each (N,), int64.
Rows = tuple[Tensor, Tensor | None]


class Vmapped:
    """Trains a stack of members. Raises NotCapturable where they cannot move at once."""

    def __init__(
        self,
        specs: Sequence[Spec],
        stack: Stack,
        models: Sequence[VAE],
        loss: LossModule,
        optimizer: torch.optim.Optimizer,
        generators: Sequence[tuple[torch.Generator, torch.Generator]],
    ) -> None:
        """``generators`` are those of each member's order and of its noise."""
        if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in models[0].modules()):
            raise NotCapturable("batch normalisation keeps averages that cannot be stacked")
        self._specs = specs
        self._order = [order for order, _ in generators]
        noise = [own for _, own in generators]
        self._step = StackedStep(specs, stack, models[0], loss, optimizer, noise)

    def epoch(
        self, images: Tensor, splits: Sequence[Rows], draws: Sequence[int], done: int
    ) -> list[EpochRecord]:
        """One pass of every member over its images (N, C, H, W), and over what it holds out, by
        draws that these seeds decide."""
        began = time.perf_counter()
        with _fallbacks_unsaid():
            totals = self._train(images, splits, done)
            seconds = time.perf_counter() - began
            held_out = self._held_out(images, splits, draws, done + 1)
        count = len(splits[0][0])
        records = []
        for member, spec in enumerate(self._specs):
            means = means_of(self._step.terms, [totals[member]], count)
            record = record_of(spec, done + 1, means, count, seconds)
            records.append(replace(record, validation=held_out[member]) if held_out else record)
        return records

    def _train(self, images: Tensor, splits: Sequence[Rows], done: int) -> Tensor:
        """The sum of each term over each member's images, (M, T)."""
        size, count = self._specs[0].train.batch_size, len(splits[0][0])
        rows = torch.stack(
            [
                kept[torch.randperm(count, generator=generator, device=generator.device)]
                for (kept, _), generator in zip(splits, self._order, strict=True)
            ]
        )
        steps = math.ceil(count / size)
        sums = [
            self._step(images[batch], done + index / steps)
            for index, batch in enumerate(rows.split(size, dim=1))
        ]
        return torch.stack(sums).sum(0)

    def _held_out(
        self, images: Tensor, splits: Sequence[Rows], draws: Sequence[int], epoch: int
    ) -> list[dict[str, float]] | None:
        """The terms' means over each member's held-out images, by the same draws in every epoch."""
        held_out = [rows for _, rows in splits if rows is not None]
        if not held_out:
            return None
        noise = [torch.Generator(images.device).manual_seed(seed) for seed in draws]
        together = torch.stack(held_out)
        sums = [
            self._step.terms_of(images[batch], epoch, noise)
            for batch in together.split(VALIDATION_BATCH, dim=1)
        ]
        totals = torch.stack(sums).sum(0)
        return [means_of(self._step.terms, [total], together.shape[1]) for total in totals]


@contextmanager
def _fallbacks_unsaid() -> Iterator[None]:
    """PyTorch's word on operations that it maps one member at a time is nothing to a user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        yield
