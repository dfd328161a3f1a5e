"""The training loop. All its randomness comes from generators seeded by the spec."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from vaezoo.data.binarize import epoch_images
from vaezoo.data.kept_images import KeptImages
from vaezoo.data.placement import ON_DEVICE, arranged, without_labels
from vaezoo.model import VAE, build
from vaezoo.model.init_from_data import init_from_data, init_parts_from_data
from vaezoo.model.starting_weights import StartingWeights
from vaezoo.registry import EpochRecord, ImageData
from vaezoo.registry.blame import blamed
from vaezoo.registry.contracts import TrainingImages
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.conditioning import uses_labels
from vaezoo.spec.early_stopping import outcome
from vaezoo.spec.spec import Spec
from vaezoo.training import checkpoint
from vaezoo.training.build_optimizer import build_optimizer
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.distributed.process_group import SingleProcess
from vaezoo.training.divergence import refuse_divergence
from vaezoo.training.epoch import run_epoch, validated
from vaezoo.training.execution.choose_step import CompileMode, ExecutionPlan
from vaezoo.training.execution.eager_optimizers import without_compiler
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.training.execution.memory_format import set_memory_format
from vaezoo.training.execution.precision import (
    matmul_precision,
    resolve_precision,
    with_autocast,
)
from vaezoo.training.observer import Observer
from vaezoo.training.players import build_players
from vaezoo.training.weight_average import WeightAverage


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, its history, and how its steps ran.

    The weights are those of ``kept_epoch``.
    """

    model: VAE
    history: tuple[EpochRecord, ...]
    kept_epoch: int
    execution: ExecutionPlan


def stream(seed: int, purpose: str) -> int:
    """A seed derived for one purpose, so that no two generators draw the same numbers."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "big") >> 1


@without_compiler()
def train(
    spec: Spec,
    data: ImageData,
    *,
    device: torch.device,
    directory: Path,
    observer: Observer,
    compile: CompileMode = "auto",
    group: SingleProcess | None = None,
    start: StartingWeights | None = None,
) -> Trained:
    """Train a spec's model on the training split; resume from a checkpoint if there is one.

    ``group`` holds the processes of a distributed run; the default is this process alone.
    ``start`` holds the weights of a spec with ``start_from``.

    Raises DivergenceError (VZ603) when the objective becomes NaN or infinite, RunError (VZ604)
    for a checkpoint of another run, (VZ503) where none can be written, (VZ608) where steps must
    be compiled and cannot be, (VZ609) where processes cannot train together, UsageError (VZ607)
    for an invalid memory limit in the environment.
    """
    group = group or SingleProcess()
    seed, plan = spec.train.seed, spec.train
    precision = resolve_precision(plan.precision, device)
    used = data if uses_labels(spec) else without_labels(data)
    images = arranged(used, plan.validation, stream(seed, "validation"), device)
    training, validation = images.training, images.validation
    shown = training_images(spec, data)
    model = initial_model(spec, device, start, shown)
    module = build_loss_module(spec, device, shown)
    loss = with_autocast(module, precision)
    state = TrainingState(
        model,
        build_optimizer(plan, model.named_parameters()),
        order=torch.Generator(device).manual_seed(stream(seed, "order")),
        noise=torch.Generator(device).manual_seed(stream(seed, "noise")),
        average=WeightAverage(model) if plan.ema else None,
        players=build_players(spec, module),
    )
    path = directory / checkpoint.FILE
    identity = run_identity(spec, data, device, start)
    with group.checkpoint(path, identity) as found:
        if found.exists():
            checkpoint.restore(state, found, identity)
            checkpoint.adapt(state, found, plan)
    observer.started(spec, model, state.epoch, len(training))
    saver, validation_seed = group.saver(path, identity), stream(seed, "held out")
    # where memory is too small for the images, return what is freed to the system
    malloc = memory_kept() if images.place == ON_DEVICE else contextlib.nullcontext()
    with matmul_precision(precision, device), saver.saving_at_the_end(), malloc:
        step, execution = group.choose_step(spec, state, loss, training, compile, observer)
        execution = dataclasses.replace(
            execution, precision=precision, images=images.place, averaged=plan.ema
        )
        observer.execution_chosen(execution)
        while not is_finished(spec, state):
            seen = epoch_images(training, data.binarization, state.order)
            record = run_epoch(
                spec, state, step, seen, observer, progress_seconds=group.progress_seconds
            )
            if validation is not None:
                shared = group.shared(loss)
                with state.evaluated():
                    record = validated(record, model, shared, validation, validation_seed)
            refuse_divergence(model, record)
            if record.skipped_steps:
                observer.warned(_skipped(record))
            state.history.append(record)
            _keep_best(spec, state)
            saver.finished_epoch(state)
            observer.finished_epoch(record)
    set_memory_format(state, torch.contiguous_format)
    model.load_state_dict(state.best or state.evaluated_weights())
    if spec.loss.keep_players:
        model.set_players({name: player.module for name, player in state.players.items()})
    return Trained(model.eval(), tuple(state.history), state.best_epoch or state.epoch, execution)


def training_images(spec: Spec, data: ImageData) -> TrainingImages:
    """The images that a spec trains on, for modules that learn from them."""
    return KeptImages.of(data, spec.train.validation, stream(spec.train.seed, "validation"))


def build_loss(spec: Spec, device: torch.device, shown: TrainingImages | None = None) -> LossModule:
    """The loss on the device, with autocast where the precision asks for it."""
    precision = resolve_precision(spec.train.precision, device)
    return with_autocast(build_loss_module(spec, device, shown), precision)


def build_loss_module(
    spec: Spec, device: torch.device, shown: TrainingImages | None = None
) -> LossModule:
    """The module of the loss on the device; the seed determines the weights of its players."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(spec.train.seed, "players"))
        with blamed(spec.loss, "to build its module"):
            module: LossModule = spec.loss.build()
    if isinstance(module, torch.nn.Module):
        if shown is not None:
            init_from_data(module, spec.loss, shown, stream(spec.train.seed, "data"))
        module.to(device)
    return module


def initial_model(
    spec: Spec, device: torch.device, start: StartingWeights | None, shown: TrainingImages
) -> VAE:
    """The model before the first step, with the weights of ``start`` and its frozen parts.

    Raises SpecError (VZ402) for weights that do not fit, TypeError where the spec needs some.
    """
    if spec.start_from and not start:
        raise TypeError("a spec with start_from needs its starting weights")
    model = build(spec, seed=stream(spec.train.seed, "weights"))
    init_parts_from_data(model, spec, shown, stream(spec.train.seed, "parts"))
    if start:
        start.load_into(model)
    model.freeze(spec.train.freeze)
    return model.to(device)


def run_identity(
    spec: Spec, data: ImageData, device: torch.device, start: StartingWeights | None
) -> str:
    """Text that identifies the run that a checkpoint belongs to."""
    identity = f"{spec.training_digest()}/{data.digest}/{device.type}"
    precision = resolve_precision(spec.train.precision, device)
    others = [precision] if precision != "float32" else []
    return "/".join([identity, *others, *([start.digest] if start else [])])


def _skipped(record: EpochRecord) -> str:
    steps = record.skipped_steps
    return (
        f"epoch {record.epoch}: {steps:,} step{'s'[: steps != 1]} skipped, whose objective or "
        "gradient was not finite"
    )


def is_finished(spec: Spec, state: TrainingState) -> bool:
    """Whether all epochs are done or early stopping ends the run."""
    return outcome(spec.train, state.history).over_after is not None


def _keep_best(spec: Spec, state: TrainingState) -> None:
    """With early stopping, keep a copy of the weights where the last epoch is the best."""
    if outcome(spec.train, state.history).best_epoch == len(state.history):
        state.best = {name: value.clone() for name, value in state.evaluated_weights().items()}
        state.best_epoch = len(state.history)
