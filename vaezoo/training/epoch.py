"""One epoch: train on every image once in random order, then validate."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images, batches, shuffled_batches
from vaezoo.model import VAE
from vaezoo.registry import Batch, EpochRecord
from vaezoo.registry.fields import value_at
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.divergence import DivergenceMonitor
from vaezoo.training.execution.graph_capture import term_sums
from vaezoo.training.execution.step import ScheduledValues, Step
from vaezoo.training.observer import Observer
from vaezoo.training.scheduled_numbers import ScheduledNumbers

#: Seconds between two progress updates: reading the running means waits for the device.
PROGRESS_SECONDS = 0.2
#: Largest validation batch, in images and in float32 bytes.
VALIDATION_BATCH, _VALIDATION_BYTES = 1000, 256 * 2**20


def run_epoch(
    spec: Spec,
    state: TrainingState,
    step: Step,
    training: Images,
    observer: Observer,
    *,
    progress_seconds: float = PROGRESS_SECONDS,
) -> EpochRecord:
    """Train for one epoch; the record has no validation yet.

    Raises DivergenceError (VZ603) soon after a step's objective is not finite.
    """
    began = time.perf_counter()
    means = _train(spec, state, step, training, observer, progress_seconds)
    seconds = time.perf_counter() - began
    record = epoch_record(spec, state.epoch + 1, means, len(training), seconds)
    return dataclasses.replace(record, skipped_steps=state.skipped.steps)


def epoch_record(
    spec: Spec, epoch: int, means: dict[str, float], count: int, seconds: float
) -> EpochRecord:
    """The record of an epoch over ``count`` images, without validation."""
    return EpochRecord(
        epoch=epoch,
        train=means,
        validation=None,
        weights={name: value_at(value, epoch) for name, value in spec.loss.weights.items()},
        learning_rate=value_at(spec.train.optimizer.lr, epoch),
        seconds=seconds,
        images_per_second=count / seconds,
    )


def _train(
    spec: Spec,
    state: TrainingState,
    step: Step,
    training: Images,
    observer: Observer,
    progress_seconds: float,
) -> dict[str, float]:
    """The mean of each term over the epoch, weighted by example count."""
    size, count = spec.train.batch_size, len(training)
    order = torch.randperm(count, generator=state.order, device=state.order.device)
    scheduled = scheduled_values(spec, state.epoch, math.ceil(count / size))
    monitor = DivergenceMonitor(state, spec)
    sums: list[Tensor] = []  # one per step, kept on the device so that no step waits
    done, updated = 0, time.perf_counter()
    state.skipped.begin_epoch()
    state.model.train()
    numbers = ScheduledNumbers(spec, state)
    for batch, now in zip(
        shuffled_batches(training, order, size, step.prepare), scheduled, strict=True
    ):
        numbers.set(now.epoch)
        sums.append(stepped(state, step, batch, now))
        done += len(batch.images)
        if time.perf_counter() - updated > progress_seconds:
            means = epoch_means(step.terms, sums, done - state.skipped.images)
            monitor.check(step.terms, sums, training, order)
            observer.advanced(state.epoch + 1, done, means)
            updated = time.perf_counter()
    monitor.check(step.terms, sums, training, order)
    return epoch_means(step.terms, sums, done - state.skipped.images)


def stepped(state: TrainingState, step: Step, batch: Batch, now: ScheduledValues) -> Tensor:
    """Make a step and count it in the average of the weights; the sum of each term, (T,)."""
    sums = step(batch, now)
    if state.average and not state.skipped.in_a_row:
        state.average.update(now.average_decay)
    return sums


def scheduled_values(spec: Spec, epochs_done: int, steps: int) -> Iterator[ScheduledValues]:
    """The scheduled values of each step of an epoch."""
    plan, players = spec.train, spec.loss.players()
    for step in range(steps):
        now = epochs_done + step / steps
        yield ScheduledValues(
            epoch=now,
            weights={name: value_at(value, now) for name, value in spec.loss.weights.items()},
            lr=value_at(plan.optimizer.lr, now),
            part_lrs={
                part: value_at(own.lr, now) for part, own in plan.groups.optimizers().items()
            },
            average_decay=plan.ema.decay_at(now) if plan.ema else 0.0,
            players={name: value_at(optimizer.lr, now) for name, optimizer in players.items()},
        )


def epoch_means(terms: Sequence[str], sums: Sequence[Tensor], count: int) -> dict[str, float]:
    """Mean terms over ``count`` examples from each batch's sums (T,), and the ELBO (β = 1).

    NaN for no examples, where every step was skipped.
    """
    totals = torch.stack(list(sums)).sum(0).tolist()
    means = [total / count if count else math.nan for total in totals]
    named = dict(zip(terms, means, strict=True))
    return named | {"elbo": -(named["reconstruction"] + named["kl"])}


@torch.inference_mode()
def validated(
    record: EpochRecord, model: VAE, loss: LossModule, validation: Images, seed: int
) -> EpochRecord:
    """The record with the mean terms on the validation images.

    ``seed`` gives the same draws of z in every epoch.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    sums: list[Tensor] = []
    terms: Mapping[str, Tensor] = {}
    model.eval()
    limit = _VALIDATION_BYTES // (4 * math.prod(validation.shape[1:]))
    for batch in batches(validation, max(min(VALIDATION_BATCH, limit), 1)):
        terms = loss(model, batch, record.weights, generator)
        sums.append(term_sums(terms))
    return dataclasses.replace(record, validation=epoch_means(tuple(terms), sums, len(validation)))
