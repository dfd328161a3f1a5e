"""Members of a matrix that train together: one job, each as if it were alone.

What a member draws (its weights, validation images, order and noise) comes from its own seed, so
that it ends where its own run ends, up to the rounding of float32 sums. What is left to do, its
own run does, from the checkpoint that a member ends with.
"""

from __future__ import annotations

import hashlib
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from vaezoo.data.places import place_of
from vaezoo.data.resident import held_out_rows
from vaezoo.devices import memory_explained
from vaezoo.fields import value_at
from vaezoo.model import VAE, build
from vaezoo.registry import EpochRecord, ImageData
from vaezoo.spec import Spec
from vaezoo.training import checkpoint
from vaezoo.training.capture import NotCapturable
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.claim import claimed
from vaezoo.training.epoch import means_of
from vaezoo.training.loop import identity_of, plan_loss, stream
from vaezoo.training.observer import Observer
from vaezoo.training.precision import chosen, products
from vaezoo.training.saver import Saver
from vaezoo.training.stacked import Stack, StackedStep

_VALIDATION_BATCH = 1000


def apart(specs: Sequence[Spec]) -> str | None:
    """Why these members cannot train together, as far as their specs tell; None if they can."""
    first = specs[0]
    if len(specs) < 2:
        return "there is one of them"
    if len({_common(spec) for spec in specs}) > 1:
        return "they differ in more than seeds, weights of the loss and learning rates"
    if first.train.early_stopping:
        return "early stopping ends each at an epoch of its own"
    return None


def _common(spec: Spec) -> str:
    """What members have in common, as text."""
    weights = dict.fromkeys(spec.loss.weights, 0.0)
    optimizer = spec.train.optimizer.model_copy(update={"lr": 0.0})
    train = spec.train.model_copy(update={"seed": 0, "optimizer": optimizer})
    parts = (spec.dataset, spec.model, spec.loss.model_copy(update=weights), train)
    # a weight of 0 may leave a term out, and make another program
    absent = [name for name, value in spec.loss.weights.items() if value == 0]
    return repr((*(repr(part) for part in parts), absent))


@dataclass
class _Population(TrainingState):
    """The members' states as one; ``history`` holds their records, epoch by epoch."""

    members: int = 1

    @property
    def epoch(self) -> int:
        return len(self.history) // self.members

    def records(self, member: int) -> list[EpochRecord]:
        return self.history[member :: self.members]


class _Generators:
    """The generators of all members, whose states are saved as one tensor."""

    def __init__(self, each: Sequence[torch.Generator]) -> None:
        self.each = each

    def get_state(self) -> Tensor:
        return torch.stack([generator.get_state() for generator in self.each])

    def set_state(self, states: Tensor) -> None:
        for generator, state in zip(self.each, states, strict=True):
            generator.set_state(state.clone())  # a row of a larger tensor is misread


def train_together(
    specs: Sequence[Spec],
    *,
    device: torch.device,
    directory: Path,
    folder_of: Callable[[Spec], Path],
    observer: Observer,
) -> str | None:
    """Train members of one architecture in one job, going on from its checkpoint if there is one.

    Each that ends with finite weights leaves the checkpoint of a finished run in its folder, and
    those that diverge leave none. Returns why the members cannot train together, if so.

    Raises RunError (VZ604) for a damaged checkpoint, (VZ503) where none can be written, DataError
    where there are no data.
    """
    observer.loading(specs[0], device)
    data = specs[0].dataset.build()
    try:
        with memory_explained():
            _train(specs, data, device, directory, folder_of, observer)
    except NotCapturable as error:
        return str(error)
    return None


def _train(
    specs: Sequence[Spec],
    data: ImageData,
    device: torch.device,
    directory: Path,
    folder_of: Callable[[Spec], Path],
    observer: Observer,
) -> None:
    if data.binarization.use == "dynamic":
        raise NotCapturable("each sees images of its own, which are drawn anew in every epoch")
    place = place_of(data, device)
    if place.kind != "device":
        raise NotCapturable(str(place))
    plan, count = specs[0].train, len(specs)
    images = data.train.images.to(device)
    splits = [_indices(spec, len(images), device) for spec in specs]
    seeds = [spec.train.seed for spec in specs]
    models = [build(spec, seed=stream(spec.train.seed, "weights")).to(device) for spec in specs]
    if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in models[0].modules()):
        raise NotCapturable("batch normalisation keeps averages that cannot be stacked")
    stack = Stack(models)
    order, noise = (
        _Generators([torch.Generator(device).manual_seed(stream(s, what)) for s in seeds])
        for what in ("order", "noise")
    )
    state = _Population(
        cast("VAE", stack),
        plan.optimizer.build(stack.parameters(), value_at(plan.optimizer.lr, 0)),
        order=cast("torch.Generator", order),
        noise=cast("torch.Generator", noise),
        members=count,
    )
    identities = [identity_of(spec, data, device) for spec in specs]
    identity = hashlib.sha256("\n".join([*identities, str(plan.epochs)]).encode()).hexdigest()
    path = directory / f"together-{identity[:8]}.safetensors"
    if path.exists():
        checkpoint.restore(state, path, identity)
    step = StackedStep(
        specs, stack, models[0], plan_loss(specs[0], device), state.optimizer, noise.each
    )
    observer.started(specs[0], models[0], state.epoch, count * len(splits[0][0]))
    saver = Saver(path, identity)
    precision = chosen(plan.precision, device)
    with products(precision, device), _fallbacks_unsaid(), saver.saving_at_the_end():
        while state.epoch < plan.epochs:
            records = _epoch(specs, state, step, images, splits, order.each)
            state.history.extend(records)
            saver.finished_epoch(state)
            observer.finished_epoch(_mean(records))
    for member, spec in enumerate(specs):
        alone = _alone(state, stack, member, spec, models[member], order, noise)
        if _is_finite(alone):
            folder = folder_of(spec)
            with claimed(folder):
                moment = checkpoint.snapshot(alone)
                checkpoint.save(moment, folder / checkpoint.FILE, identities[member])


def _indices(spec: Spec, count: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Which images a member trains on and validates on."""
    seed = stream(spec.train.seed, "validation")
    kept, held_out = held_out_rows(count, spec.train.validation, seed)
    return kept.to(device), None if held_out is None else held_out.to(device)


def _epoch(
    specs: Sequence[Spec],
    state: _Population,
    step: StackedStep,
    images: Tensor,
    splits: Sequence[tuple[Tensor, Tensor | None]],
    order: Sequence[torch.Generator],
) -> list[EpochRecord]:
    """One pass of every member over its images, and over what it holds out."""
    began, done = time.perf_counter(), state.epoch
    size, count = specs[0].train.batch_size, len(splits[0][0])
    rows = torch.stack(
        [
            kept[torch.randperm(count, generator=generator, device=generator.device)]
            for (kept, _), generator in zip(splits, order, strict=True)
        ]
    )
    steps = math.ceil(count / size)
    sums = [
        step(images[batch], done + index / steps)
        for index, batch in enumerate(rows.split(size, dim=1))
    ]
    totals = torch.stack(sums).sum(0)
    seconds = time.perf_counter() - began
    held_out = _held_out(specs, step, images, splits, done + 1)
    return [
        EpochRecord(
            epoch=done + 1,
            train=means_of(step.terms, [totals[member]], count),
            validation=held_out[member] if held_out else None,
            weights={name: value_at(v, done + 1) for name, v in spec.loss.weights.items()},
            learning_rate=value_at(spec.train.optimizer.lr, done + 1),
            seconds=seconds,
            images_per_second=count / seconds,
        )
        for member, spec in enumerate(specs)
    ]


def _held_out(
    specs: Sequence[Spec],
    step: StackedStep,
    images: Tensor,
    splits: Sequence[tuple[Tensor, Tensor | None]],
    epoch: int,
) -> list[dict[str, float]] | None:
    """The terms' means over each member's held-out images, by the same draws in every epoch."""
    held_out = [rows for _, rows in splits if rows is not None]
    if not held_out:
        return None
    draws = [
        torch.Generator(images.device).manual_seed(stream(spec.train.seed, "held out"))
        for spec in specs
    ]
    together = torch.stack(held_out)
    sums = [
        step.terms_of(images[batch], epoch, draws)
        for batch in together.split(_VALIDATION_BATCH, dim=1)
    ]
    totals = torch.stack(sums).sum(0)
    return [means_of(step.terms, [total], together.shape[1]) for total in totals]


def _alone(
    state: _Population,
    stack: Stack,
    member: int,
    spec: Spec,
    model: VAE,
    order: _Generators,
    noise: _Generators,
) -> TrainingState:
    """One member's state, as a run of its own would have it."""
    model.load_state_dict(stack.member(member))
    optimizer = spec.train.optimizer.build(model.parameters(), value_at(spec.train.optimizer.lr, 0))
    for parameter, stacked in zip(model.parameters(), stack.parameters(), strict=True):
        kept: dict[str, Any] = state.optimizer.state.get(stacked, {})
        optimizer.state[parameter] = {
            name: value[member].clone() if value.shape == stacked.shape else value.clone()
            for name, value in kept.items()
        }
    return TrainingState(
        model,
        optimizer,
        order=order.each[member],
        noise=noise.each[member],
        history=state.records(member),
        compiled=False,
    )


def _is_finite(state: TrainingState) -> bool:
    objectives = [record.train["objective"] for record in state.history]
    weights = torch.stack([parameter.isfinite().all() for parameter in state.model.parameters()])
    return bool(weights.all()) and all(math.isfinite(value) for value in objectives)


def _mean(records: Sequence[EpochRecord]) -> EpochRecord:
    """The mean over members, for whoever watches them as one."""

    def over(several: Sequence[dict[str, float]]) -> dict[str, float]:
        return {name: sum(one[name] for one in several) / len(several) for name in several[0]}

    first = records[0]
    held_out = [record.validation for record in records if record.validation]
    return EpochRecord(
        epoch=first.epoch,
        train=over([record.train for record in records]),
        validation=over(held_out) if held_out else None,
        weights=over([record.weights for record in records]),
        learning_rate=sum(record.learning_rate for record in records) / len(records),
        seconds=first.seconds,
        images_per_second=sum(record.images_per_second for record in records),
    )


@contextmanager
def _fallbacks_unsaid() -> Iterator[None]:
    """PyTorch's word on operations that it maps one member at a time is nothing to a user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        yield
