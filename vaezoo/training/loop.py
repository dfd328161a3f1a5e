"""The training loop. Everything it draws comes from generators that the seed decides."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from vaezoo.data.binarize import epoch_images
from vaezoo.data.placement import ON_DEVICE, arranged
from vaezoo.model import VAE, build
from vaezoo.registry import EpochRecord, ImageData
from vaezoo.registry.contracts import LossModule
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import Spec
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.distributed.process_group import SingleProcess
from vaezoo.training.divergence import refuse_divergence
from vaezoo.training.epoch import run_epoch, validated
from vaezoo.training.execution.choose import CompileMode, ExecutionPlan
from vaezoo.training.execution.eager_optimizers import without_compiler
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.training.execution.memory_format import lay_out
from vaezoo.training.execution.precision import chosen, lowered, products
from vaezoo.training.observer import Observer


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, the record of each epoch, whose weights it has, and the road
    that its steps took."""

    model: VAE
    history: tuple[EpochRecord, ...]
    kept_epoch: int
    execution: ExecutionPlan


def stream(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose, so that no two streams of draws are alike."""
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
) -> Trained:
    """Train a spec's model on the data's training split, going on from a checkpoint if any.

    ``group`` is the processes that train together, this one alone if left out.

    Raises DivergenceError (VZ603) when the objective becomes NaN or infinite, RunError (VZ604)
    for a checkpoint that does not belong here, (VZ503) where none can be written, (VZ608) where
    steps are to be compiled and cannot be, (VZ609) where processes cannot train together,
    UsageError (VZ607) where the environment gives images an amount of memory that is none.
    """
    group = group or SingleProcess()
    seed, plan = spec.train.seed, spec.train
    precision = chosen(plan.precision, device)
    images = arranged(data, plan.validation, stream(seed, "validation"), device)
    training, validation = images.training, images.validation
    model = build(spec, seed=stream(seed, "weights")).to(device)
    loss = plan_loss(spec, device)
    state = TrainingState(
        model,
        plan.optimizer.build(model.parameters(), value_at(plan.optimizer.lr, 0)),
        order=torch.Generator(device).manual_seed(stream(seed, "order")),
        noise=torch.Generator(device).manual_seed(stream(seed, "noise")),
    )
    path = directory / checkpoint.FILE
    identity = identity_of(spec, data, device)
    with group.checkpoint(path, identity) as found:
        if found.exists():
            checkpoint.restore(state, found, identity)
            checkpoint.adapt(state, found, plan)
    observer.started(spec, model, state.epoch, len(training))
    saver, draws = group.saver(path, identity), stream(seed, "held out")
    # where memory is too short for the images, what is freed is better given back
    kept = memory_kept() if images.place == ON_DEVICE else contextlib.nullcontext()
    with products(precision, device), saver.saving_at_the_end(), kept:
        step, execution = group.choose_step(spec, state, loss, training, compile, observer)
        execution = dataclasses.replace(execution, precision=precision, images=images.place)
        observer.execution_chosen(execution)
        while not is_finished(spec, state):
            seen = epoch_images(training, data.binarization, state.order)
            record = run_epoch(spec, state, step, seen, observer, look_every=group.look_every)
            if validation is not None:
                record = validated(record, model, group.shared(loss), validation, draws)
            refuse_divergence(model, record)
            state.history.append(record)
            _keep_best(spec, state)
            saver.finished_epoch(state)
            observer.finished_epoch(record)
    lay_out(state, torch.contiguous_format)
    if state.best:
        model.load_state_dict(state.best)
    return Trained(model.eval(), tuple(state.history), state.best_epoch or state.epoch, execution)


def plan_loss(spec: Spec, device: torch.device) -> LossModule:
    """The loss as a module on the device."""
    module: LossModule = spec.loss.build()
    if isinstance(module, torch.nn.Module):
        module.to(device)
    return lowered(module, chosen(spec.train.precision, device))


def identity_of(spec: Spec, data: ImageData, device: torch.device) -> str:
    """The run that a checkpoint belongs to."""
    identity = f"{spec.training_digest()}/{data.digest}/{device.type}"
    precision = chosen(spec.train.precision, device)
    return identity if precision == "float32" else f"{identity}/{precision}"


def is_finished(spec: Spec, state: TrainingState) -> bool:
    """Whether all epochs are done or early stopping ends the run."""
    if state.epoch >= spec.train.epochs:
        return True
    stopping = spec.train.early_stopping
    return bool(stopping and state.best and state.epoch - state.best_epoch >= stopping.patience)


def _keep_best(spec: Spec, state: TrainingState) -> None:
    """With early stopping, remember the weights of the best validation ELBO (β = 1)."""
    stopping, record = spec.train.early_stopping, state.history[-1]
    if stopping is None or record.validation is None:
        return
    if state.best:
        before = state.history[state.best_epoch - 1].validation
        if before and record.validation["elbo"] <= before["elbo"] + stopping.min_delta:
            return
    state.best = {name: value.clone() for name, value in state.model.state_dict().items()}
    state.best_epoch = record.epoch
