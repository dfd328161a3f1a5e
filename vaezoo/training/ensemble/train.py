"""Members of a matrix that train together: one job, each as if it were alone.

What a member draws (its weights, validation images, order and noise) comes from its own seed, so
that it ends where its own run ends, up to the rounding of float32 sums. What is left to do, its
own run does, from the checkpoint that a member ends with.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from vaezoo.data.placement import place_of
from vaezoo.data.resident import held_out_rows
from vaezoo.model import VAE, build
from vaezoo.registry import EpochRecord, ImageData, Registry
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import Spec
from vaezoo.system.out_of_memory import memory_explained
from vaezoo.system.torchrun import Processes
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.checkpoint_saver import Saver
from vaezoo.training.ensemble.round_robin import RoundRobin
from vaezoo.training.ensemble.stacked import Stack
from vaezoo.training.ensemble.vmapped import Rows, Vmapped
from vaezoo.training.execution.choose import CompileMode
from vaezoo.training.execution.eager_optimizers import without_compiler
from vaezoo.training.execution.graph_capture import NotCapturable
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.training.execution.precision import chosen, products
from vaezoo.training.loop import identity_of, plan_loss, stream
from vaezoo.training.observer import Observer
from vaezoo.training.prepare import check, load_for_training
from vaezoo.training.run_lock import claimed


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
    def stack(self) -> Stack:
        return cast("Stack", self.model)

    def generators(self, member: int) -> tuple[torch.Generator, torch.Generator]:
        """A member's own: of its order and of its noise."""
        order, noise = (cast("_Generators", several) for several in (self.order, self.noise))
        return order.each[member], noise.each[member]

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
    compile: CompileMode = "auto",
    registry: Registry | None = None,
) -> str | None:
    """Train members of one architecture in one job, going on from its checkpoint if there is one.

    On a CPU, which one of them fills, members take turns, an epoch each; elsewhere one step moves
    all of them, and is not compiled.

    Each that ends with finite weights leaves the checkpoint of a finished run in its folder, and
    those that diverge leave none. Returns why the members cannot train together, if so.

    Raises RunError (VZ604) for a damaged checkpoint, (VZ503) where none can be written, DataError
    where there are no data, (VZ608) where steps are to be compiled and cannot be.
    """
    observer.loading(specs[0], device)
    data = load_for_training(specs[0], registry)
    for spec in specs[1:]:
        check(spec, data, Processes())
    try:
        with memory_explained():
            _train(specs, data, device, directory, folder_of, observer, compile)
    except NotCapturable as error:
        return str(error)
    return None


@without_compiler()
@memory_kept()
def _train(
    specs: Sequence[Spec],
    data: ImageData,
    device: torch.device,
    directory: Path,
    folder_of: Callable[[Spec], Path],
    observer: Observer,
    mode: CompileMode,
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
    observer.started(specs[0], models[0], state.epoch, count * len(splits[0][0]))
    saver = Saver(path, identity)
    precision = chosen(plan.precision, device)
    with products(precision, device), saver.saving_at_the_end():
        move = _mover(specs, state, models, images, splits, mode, observer)
        while state.epoch < plan.epochs:
            began = time.perf_counter()
            records = move()
            seconds = time.perf_counter() - began
            state.history.extend(records)
            saver.finished_epoch(state)
            observer.finished_epoch(_mean(records, seconds))
    for member, spec in enumerate(specs):
        alone = _alone(state, member, spec, models[member])
        if _is_finite(alone):
            folder = folder_of(spec)
            with claimed(folder):
                moment = checkpoint.snapshot(alone)
                checkpoint.save(moment, folder / checkpoint.FILE, identities[member])


def _indices(spec: Spec, count: int, device: torch.device) -> Rows:
    """Which images a member trains on and validates on."""
    seed = stream(spec.train.seed, "validation")
    kept, held_out = held_out_rows(count, spec.train.validation, seed)
    return kept.to(device), None if held_out is None else held_out.to(device)


def _mover(
    specs: Sequence[Spec],
    state: _Population,
    models: Sequence[VAE],
    images: Tensor,
    splits: Sequence[Rows],
    mode: CompileMode,
    observer: Observer,
) -> Callable[[], list[EpochRecord]]:
    """What trains all members for an epoch and gives their records."""
    losses = [plan_loss(spec, images.device) for spec in specs]
    draws = [stream(spec.train.seed, "held out") for spec in specs]
    if not _is_filled_by_one(images.device):
        state.compiled = False
        generators = [state.generators(member) for member in range(len(specs))]
        mapped = Vmapped(specs, state.stack, models, losses[0], state.optimizer, generators)
        return lambda: mapped.epoch(images, splits, draws, state.epoch)
    members = [
        _alone(state, member, spec, model)
        for member, (spec, model) in enumerate(zip(specs, models, strict=True))
    ]
    turns = RoundRobin(specs, members, losses, images, splits, draws, mode, observer)
    state.compiled = members[0].compiled

    def take_turns() -> list[EpochRecord]:
        records = turns.epoch()
        _gather(state, members)
        return records

    return take_turns


def _is_filled_by_one(device: torch.device) -> bool:
    """Whether several members at once would be no faster there than each by itself."""
    return device.type == "cpu"


def _gather(state: _Population, members: Sequence[TrainingState]) -> None:
    """Take over what each member has come to."""
    state.stack.gather([member.model for member in members])
    own = zip(*(member.model.parameters() for member in members), strict=True)
    for stacked, parameters in zip(state.stack.parameters(), own, strict=True):
        kept = [m.optimizer.state.get(p, {}) for m, p in zip(members, parameters, strict=True)]
        state.optimizer.state[stacked] = {
            name: torch.stack([one[name] for one in kept])
            if value.shape == parameters[0].shape
            else value.clone()
            for name, value in kept[0].items()
        }


def _alone(state: _Population, member: int, spec: Spec, model: VAE) -> TrainingState:
    """One member's state, as a run of its own would have it."""
    model.load_state_dict(state.stack.member(member))
    optimizer = spec.train.optimizer.build(model.parameters(), value_at(spec.train.optimizer.lr, 0))
    for parameter, stacked in zip(model.parameters(), state.stack.parameters(), strict=True):
        kept: dict[str, Any] = state.optimizer.state.get(stacked, {})
        optimizer.state[parameter] = {
            name: value[member].clone() if value.shape == stacked.shape else value.clone()
            for name, value in kept.items()
        }
    order, noise = state.generators(member)
    return TrainingState(
        model,
        optimizer,
        order=order,
        noise=noise,
        history=state.records(member),
        compiled=state.compiled,
    )


def _is_finite(state: TrainingState) -> bool:
    objectives = [record.train["objective"] for record in state.history]
    weights = torch.stack([parameter.isfinite().all() for parameter in state.model.parameters()])
    return bool(weights.all()) and all(math.isfinite(value) for value in objectives)


def _mean(records: Sequence[EpochRecord], seconds: float) -> EpochRecord:
    """The mean over members, for whoever watches them as one; ``seconds`` are those of the whole
    epoch, whether members moved at once or took turns, validation included."""

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
        seconds=seconds,
        images_per_second=sum(r.images_per_second * r.seconds for r in records) / seconds,
    )
