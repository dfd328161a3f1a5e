"""The training loop. Everything it draws comes from generators that the seed decides."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vaezoo.data.resident import batches, shuffled_batches, split_validation, to_device
from vaezoo.diagnostics import Diagnostic, DivergenceError
from vaezoo.fields import Schedule, value_at
from vaezoo.model import VAE, build
from vaezoo.registry import EpochRecord, ImageData, Split
from vaezoo.registry.contracts import LossModule
from vaezoo.spec import Spec
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.observer import Observer
from vaezoo.training.products import fast_float32

#: Seconds between two looks at the running means: reading them waits for the device.
_LOOK_EVERY = 0.2
_VALIDATION_BATCH = 1000


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, the record of each epoch, and whose weights it has."""

    model: VAE
    history: tuple[EpochRecord, ...]
    kept_epoch: int


def stream(seed: int, purpose: str) -> int:
    """A seed of its own for each purpose, so that no two streams of draws are alike."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "big") >> 1


def train(
    spec: Spec,
    data: ImageData,
    *,
    device: torch.device,
    directory: Path,
    observer: Observer,
) -> Trained:
    """Train a spec's model on the data's training split, going on from a checkpoint if any.

    Raises DivergenceError (VZ603) when the objective becomes NaN or infinite, RunError (VZ604)
    for a checkpoint that does not belong here, (VZ503) where none can be written.
    """
    seed, plan = spec.train.seed, spec.train
    training, validation = split_validation(data.train, plan.validation, stream(seed, "validation"))
    training = to_device(training, device)
    validation = to_device(validation, device) if validation else None
    model = build(spec, seed=stream(seed, "weights")).to(device)
    loss = plan_loss(spec, device)
    state = TrainingState(
        model,
        plan.optimizer.build(model.parameters(), value_at(plan.optimizer.lr, 0)),
        order=torch.Generator(device).manual_seed(stream(seed, "order")),
        noise=torch.Generator(device).manual_seed(stream(seed, "noise")),
    )
    path = directory / checkpoint.FILE
    identity = f"{spec.training_digest()}/{data.digest}/{device.type}"
    if path.exists():
        checkpoint.restore(state, path, identity)
        checkpoint.adapt(state, path, plan)
    observer.started(spec, model, state.epoch, len(training))
    with fast_float32(device):
        while not is_finished(spec, state):
            record = run_epoch(spec, state, loss, training, validation, observer)
            state.history.append(record)
            _keep_best(spec, state)
            checkpoint.save(state, path, identity)
            observer.finished_epoch(record)
    if state.best:
        model.load_state_dict(state.best)
    return Trained(model.eval(), tuple(state.history), state.best_epoch or state.epoch)


def plan_loss(spec: Spec, device: torch.device) -> LossModule:
    """The loss as a module on the device."""
    module: LossModule = spec.loss.build()
    if isinstance(module, torch.nn.Module):
        module.to(device)
    return module


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


def run_epoch(
    spec: Spec,
    state: TrainingState,
    loss: LossModule,
    training: Split,
    validation: Split | None,
    observer: Observer,
) -> EpochRecord:
    """One pass over the training images, then one over the validation images."""
    epoch, began = state.epoch + 1, time.perf_counter()
    means = _train_epoch(spec, state, loss, training, observer)
    seconds = time.perf_counter() - began
    weights = {name: value_at(value, epoch) for name, value in spec.loss.weights.items()}
    draws = stream(spec.train.seed, "held out")
    held_out = None
    if validation:
        held_out = _validate(state.model, loss, validation, weights, draws)
    _refuse_divergence(state.model, epoch, means, held_out)
    return EpochRecord(
        epoch=epoch,
        train=means,
        validation=held_out,
        weights=weights,
        learning_rate=value_at(spec.train.optimizer.lr, epoch),
        seconds=seconds,
        images_per_second=len(training) / seconds,
    )


def _refuse_divergence(
    model: VAE, epoch: int, means: Mapping[str, float], held_out: Mapping[str, float] | None
) -> None:
    """Raise DivergenceError (VZ603) unless the objectives and all weights are finite.

    The weights are looked at because an epoch's last step may spoil them unseen.
    """
    finite = torch.stack([parameter.isfinite().all() for parameter in model.parameters()])
    for what, terms in (("objective", means), ("validation objective", held_out or {})):
        value = terms.get("objective", 0.0)
        if not math.isfinite(value):
            listed = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
            raise _diverged(f"the {what} became {value} in epoch {epoch}: {listed}")
    if not finite.all().item():
        raise _diverged(f"weights became infinite or NaN in the last step of epoch {epoch}")


def _diverged(message: str) -> DivergenceError:
    hint = (
        "lower train.optimizer.lr, or set train.gradient_clip; "
        "the checkpoint of the epoch before is kept"
    )
    return DivergenceError(Diagnostic("VZ603", message, hint=hint))


def _train_epoch(
    spec: Spec,
    state: TrainingState,
    loss: LossModule,
    training: Split,
    observer: Observer,
) -> dict[str, float]:
    """Every image once, in an order drawn anew; running means weighted by example count."""
    plan, model, optimizer = spec.train, state.model, state.optimizer
    order = torch.randperm(len(training), generator=state.order, device=state.order.device)
    steps = math.ceil(len(training) / plan.batch_size)
    values = _values_over_time(spec, state.epoch, steps)
    totals: dict[str, Tensor] = {}
    done, looked = 0, time.perf_counter()
    model.train()
    for images, (weights, lr) in zip(
        shuffled_batches(training.images, order, plan.batch_size), values, strict=True
    ):
        if lr is not None:
            for group in optimizer.param_groups:
                group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        terms = loss(model, images, weights, state.noise)
        terms["objective"].mean().backward()
        if plan.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), plan.gradient_clip)
        optimizer.step()
        _add(totals, terms)
        done += len(images)
        if time.perf_counter() - looked > _LOOK_EVERY:
            observer.advanced(state.epoch + 1, done, _means(totals, done))
            looked = time.perf_counter()
    return _means(totals, done)


def _values_over_time(
    spec: Spec, epochs_done: int, steps: int
) -> Iterator[tuple[Mapping[str, float], float | None]]:
    """The loss's weights, and the learning rate where it is scheduled, at each step."""
    scheduled, lr = spec.loss.weights, spec.train.optimizer.lr
    for step in range(steps):
        now = epochs_done + step / steps
        weights = {name: value_at(value, now) for name, value in scheduled.items()}
        yield weights, lr.at(now) if isinstance(lr, Schedule) else None


def _add(totals: dict[str, Tensor], terms: Mapping[str, Tensor]) -> None:
    """Add the sums over a batch on the device, so that no step waits for a number.

    In float64 where the device has it (mps does not): an epoch adds up millions of nats.
    """
    for name, values in terms.items():
        dtype = torch.float32 if values.device.type == "mps" else torch.float64
        total = values.detach().sum(dtype=dtype)
        totals[name] = totals[name].add_(total) if name in totals else total


def _means(totals: Mapping[str, Tensor], count: int) -> dict[str, float]:
    means = {name: total.item() / count for name, total in totals.items()}
    return means | {"elbo": -(means["reconstruction"] + means["kl"])}


@torch.inference_mode()
def _validate(
    model: VAE,
    loss: LossModule,
    validation: Split,
    weights: Mapping[str, float],
    seed: int,
) -> dict[str, float]:
    """The objective's terms on the held-out images, with the same draws of z every epoch."""
    generator = torch.Generator(model.device).manual_seed(seed)
    totals: dict[str, Tensor] = {}
    model.eval()
    for images in batches(validation.images, _VALIDATION_BATCH):
        _add(totals, loss(model, images, weights, generator))
    return _means(totals, len(validation))
