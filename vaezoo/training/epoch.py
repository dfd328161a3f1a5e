"""One epoch: every training image once, in an order drawn anew; and what is held out, after it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images, batches, shuffled_batches
from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.registry.contracts import LossModule
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.divergence import DivergenceMonitor
from vaezoo.training.execution.compiled import ScheduledValues, Step
from vaezoo.training.execution.graph_capture import sums_of
from vaezoo.training.observer import Observer

#: Seconds between two looks at the running means: reading them waits for the device.
LOOK_EVERY = 0.2
#: Images to validate on at once, and float32 bytes of them.
VALIDATION_BATCH, _VALIDATION_BYTES = 1000, 256 * 2**20


def run_epoch(
    spec: Spec,
    state: TrainingState,
    step: Step,
    training: Images,
    observer: Observer,
    *,
    look_every: float = LOOK_EVERY,
) -> EpochRecord:
    """One pass over the training images; its record has no validation yet.

    Raises DivergenceError (VZ603) soon after a step's objective was not finite.
    """
    began = time.perf_counter()
    means = _train(spec, state, step, training, observer, look_every)
    return record_of(spec, state.epoch + 1, means, len(training), time.perf_counter() - began)


def record_of(
    spec: Spec, epoch: int, means: dict[str, float], count: int, seconds: float
) -> EpochRecord:
    """The record of an epoch over ``count`` images, without a validation."""
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
    look_every: float,
) -> dict[str, float]:
    """Running means over the epoch, weighted by example count."""
    size, count = spec.train.batch_size, len(training)
    order = torch.randperm(count, generator=state.order, device=state.order.device)
    moments = moments_of(spec, state.epoch, math.ceil(count / size))
    lookout = DivergenceMonitor(state, spec)
    sums: list[Tensor] = []  # of each step, left on the device: no step waits for a number
    done, looked = 0, time.perf_counter()
    state.model.train()
    for images, now in zip(
        shuffled_batches(training, order, size, step.prepare), moments, strict=True
    ):
        sums.append(step(images, now))
        done += len(images)
        if time.perf_counter() - looked > look_every:
            means = means_of(step.terms, sums, done)
            lookout.look(step.terms, sums, training, order)
            observer.advanced(state.epoch + 1, done, means)
            looked = time.perf_counter()
    lookout.look(step.terms, sums, training, order)
    return means_of(step.terms, sums, done)


def moments_of(spec: Spec, epochs_done: int, steps: int) -> Iterator[ScheduledValues]:
    """What is scheduled at each step of an epoch."""
    for step in range(steps):
        now = epochs_done + step / steps
        weights = {name: value_at(value, now) for name, value in spec.loss.weights.items()}
        yield ScheduledValues(weights, value_at(spec.train.optimizer.lr, now))


def means_of(terms: Sequence[str], sums: Sequence[Tensor], count: int) -> dict[str, float]:
    """Means over ``count`` examples from each batch's sums (T,), and the ELBO of β = 1."""
    totals = torch.stack(list(sums)).sum(0).tolist()
    means = {name: total / count for name, total in zip(terms, totals, strict=True)}
    return means | {"elbo": -(means["reconstruction"] + means["kl"])}


@torch.inference_mode()
def validated(
    record: EpochRecord, model: VAE, loss: LossModule, validation: Images, seed: int
) -> EpochRecord:
    """The record with the objective's terms on the held-out images, by the same draws of z in
    every epoch."""
    generator = torch.Generator(model.device).manual_seed(seed)
    sums: list[Tensor] = []
    terms: Mapping[str, Tensor] = {}
    model.eval()
    most = _VALIDATION_BYTES // (4 * math.prod(validation.shape[1:]))
    for images in batches(validation, max(min(VALIDATION_BATCH, most), 1)):
        terms = loss(model, images, record.weights, generator)
        sums.append(sums_of(terms))
    return dataclasses.replace(record, validation=means_of(tuple(terms), sums, len(validation)))
