"""Train members of a matrix together, each with the result of its own run.

Everything random of a member (weights, validation split, order, noise) comes from its own seed, so
that its result equals that of its own run up to float32 rounding. Each member leaves a finished
checkpoint, from which its own run continues with evaluation.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from vaezoo.data.placement import place_of, without_labels
from vaezoo.data.resident import held_out_rows
from vaezoo.model import VAE
from vaezoo.model.scheduled_parts import schedules_of
from vaezoo.model.starting_weights import StartingWeights
from vaezoo.model.vae import PARTS
from vaezoo.registry import Batch, EpochRecord, ImageData
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.conditioning import uses_labels
from vaezoo.spec.spec import Spec
from vaezoo.system.out_of_memory import memory_explained
from vaezoo.system.torchrun import Processes
from vaezoo.training import checkpoint
from vaezoo.training.build_optimizer import build_optimizer
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.checkpoint_schedule import Saver
from vaezoo.training.ensemble.round_robin import RoundRobin
from vaezoo.training.ensemble.state import EnsembleState, MemberGenerators, Stack
from vaezoo.training.ensemble.vmapped import Rows, Vmapped
from vaezoo.training.execution.choose_step import CompileMode
from vaezoo.training.execution.eager_optimizers import without_compiler
from vaezoo.training.execution.graph_capture import NotCapturable
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.training.execution.precision import matmul_precision, resolve_precision
from vaezoo.training.loop import (
    build_loss,
    initial_model,
    run_identity,
    stream,
    training_images,
)
from vaezoo.training.observer import Observer
from vaezoo.training.prepare import check, load_for_training
from vaezoo.training.run_lock import claimed
from vaezoo.training.scheduled_numbers import optimizer_schedules
from vaezoo.training.weight_average import WeightAverage


def ensemble_problem(specs: Sequence[Spec]) -> str | None:
    """Why these members cannot train together, judged by their specs; None if they can."""
    if len(specs) < 2:
        return "there is only one member"
    if len({_common(spec) for spec in specs}) > 1:
        return "they differ in more than seeds, loss weights and learning rates"
    if specs[0].train.skip_bad_steps:
        return "train.skip_bad_steps skips different steps of each member"
    if specs[0].loss.players():
        return "their loss has players"
    if optimizer_schedules(specs[0].train) or any(
        schedules_of(getattr(specs[0].model, part)) for part in PARTS
    ):
        return "numbers of the model or the optimizer have a schedule"
    if specs[0].train.early_stopping:
        return "early stopping ends each member at a different epoch"
    return None


def _common(spec: Spec) -> str:
    """What members that train together must have in common, as text."""
    weights = dict.fromkeys(spec.loss.weights, 0.0)
    optimizer = spec.train.optimizer.model_copy(update={"lr": 0.0})
    train = spec.train.model_copy(update={"seed": 0, "optimizer": optimizer})
    parts = (
        spec.dataset,
        spec.model,
        spec.loss.model_copy(update=weights),
        train,
        spec.start_from,
    )
    # a loss may skip a term whose weight is 0, which makes another program
    zero = [name for name, value in spec.loss.weights.items() if value == 0]
    return repr((*(repr(part) for part in parts), zero))


def train_together(
    specs: Sequence[Spec],
    *,
    device: torch.device,
    directory: Path,
    folder_of: Callable[[Spec], Path],
    observer: Observer,
    compile: CompileMode = "auto",
    start: StartingWeights | None = None,
) -> str | None:
    """Train members of one architecture in one job; resume from its checkpoint if there is one.

    On a CPU the members train in turn, one epoch each. Elsewhere each step trains all of them,
    without compilation.

    Each member with finite weights leaves the checkpoint of a finished run in its folder; a
    diverged member leaves none. Returns why the members cannot train together, None if they did.

    Raises RunError (VZ604) for a damaged checkpoint, (VZ503) where none can be written, (VZ608)
    where steps must be compiled and cannot be; DataError where the data are missing.
    """
    observer.loading(specs[0], device)
    data = load_for_training(specs[0])
    for spec in specs[1:]:
        check(spec, data, Processes())
    try:
        with memory_explained():
            _train(specs, data, device, directory, folder_of, observer, compile, start)
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
    start: StartingWeights | None,
) -> None:
    if data.binarization.use == "dynamic":
        raise NotCapturable("dynamic binarization draws different images for each member")
    place = place_of(data, device)
    if place.kind != "device":
        raise NotCapturable(str(place))
    plan = specs[0].train
    used = data if uses_labels(specs[0]) else without_labels(data)
    stored = Batch(used.train.images, used.train.labels)
    stored = Batch(*(value.to(device) for value in stored.tensors))
    splits = [_split(spec, len(stored.images), device) for spec in specs]
    models = [initial_model(spec, device, start, training_images(spec, data)) for spec in specs]
    state = _initial_state(specs, models, device)
    identities = [run_identity(spec, data, device, start) for spec in specs]
    identity = hashlib.sha256("\n".join([*identities, str(plan.epochs)]).encode()).hexdigest()
    path = directory / f"together-{identity[:8]}.safetensors"
    if path.exists():
        checkpoint.restore(state, path, identity)
    observer.started(specs[0], models[0], state.epoch, len(specs) * len(splits[0][0]))
    saver = Saver(path, identity)
    precision = resolve_precision(plan.precision, device)
    with matmul_precision(precision, device), saver.saving_at_the_end():
        losses = [build_loss(spec, device, training_images(spec, data)) for spec in specs]
        run_epoch = _epoch_function(specs, state, models, losses, stored, splits, mode, observer)
        while state.epoch < plan.epochs:
            began = time.perf_counter()
            records = run_epoch()
            seconds = time.perf_counter() - began
            state.history.extend(records)
            saver.finished_epoch(state)
            observer.finished_epoch(_mean(records, seconds))
    for index, spec in enumerate(specs):
        member = state.member(index, spec, models[index])
        if _is_finite(member):
            folder = folder_of(spec)
            with claimed(folder):
                copied = checkpoint.snapshot(member)
                checkpoint.save(copied, folder / checkpoint.FILE, identities[index])


def _split(spec: Spec, count: int, device: torch.device) -> Rows:
    """A member's training and validation rows."""
    seed = stream(spec.train.seed, "validation")
    training, validation = held_out_rows(count, spec.train.validation, seed)
    return training.to(device), None if validation is None else validation.to(device)


def _initial_state(
    specs: Sequence[Spec], models: Sequence[VAE], device: torch.device
) -> EnsembleState:
    stack, plan = Stack(models), specs[0].train
    order, noise = (
        MemberGenerators(
            [torch.Generator(device).manual_seed(stream(s.train.seed, use)) for s in specs]
        )
        for use in ("order", "noise")
    )
    optimizer = build_optimizer(plan, stack.named())
    average = WeightAverage(stack) if plan.ema else None
    return EnsembleState(stack, optimizer, order, noise, average=average)


def _epoch_function(
    specs: Sequence[Spec],
    state: EnsembleState,
    models: Sequence[VAE],
    losses: Sequence[LossModule],
    stored: Batch,
    splits: Sequence[Rows],
    mode: CompileMode,
    observer: Observer,
) -> Callable[[], list[EpochRecord]]:
    """The function that trains all members for an epoch and returns their records."""
    device = stored.images.device
    seeds = [stream(spec.train.seed, "held out") for spec in specs]
    if not _trains_in_turn(device):
        state.compiled = False
        vmapped = Vmapped(specs, state, models[0], losses[0])
        return lambda: vmapped.epoch(stored, splits, seeds)
    members = [
        state.member(index, spec, model)
        for index, (spec, model) in enumerate(zip(specs, models, strict=True))
    ]
    round_robin = RoundRobin(specs, members, losses, stored, splits, seeds, mode, observer)
    state.compiled = members[0].compiled

    def run_epoch() -> list[EpochRecord]:
        records = round_robin.epoch()
        state.gather(members)
        return records

    return run_epoch


def _trains_in_turn(device: torch.device) -> bool:
    """Whether members train in turn: one member already uses a whole CPU."""
    return device.type == "cpu"


def _is_finite(state: TrainingState) -> bool:
    objectives = [record.train["objective"] for record in state.history]
    weights = torch.stack([parameter.isfinite().all() for parameter in state.model.parameters()])
    return bool(weights.all()) and all(math.isfinite(value) for value in objectives)


def _mean(records: Sequence[EpochRecord], seconds: float) -> EpochRecord:
    """The mean over members, for progress display.

    ``seconds`` is the duration of the whole epoch, validation included.
    """

    def over(several: Sequence[dict[str, float]]) -> dict[str, float]:
        return {name: sum(one[name] for one in several) / len(several) for name in several[0]}

    first = records[0]
    validation = [record.validation for record in records if record.validation]
    return EpochRecord(
        epoch=first.epoch,
        train=over([record.train for record in records]),
        validation=over(validation) if validation else None,
        weights=over([record.weights for record in records]),
        learning_rate=sum(record.learning_rate for record in records) / len(records),
        seconds=seconds,
        images_per_second=sum(r.images_per_second * r.seconds for r in records) / seconds,
    )
