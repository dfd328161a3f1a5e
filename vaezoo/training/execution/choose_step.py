"""Choose eager or compiled training steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from vaezoo.data.image_batches import Images, batch_of
from vaezoo.data.placement import ON_DEVICE, Placement
from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.spec.train_options import EMA
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.execution.graph_capture import NotCapturable, varying_weights
from vaezoo.training.execution.inductor import missing_compiler
from vaezoo.training.execution.memory_format import set_memory_format
from vaezoo.training.execution.players_step import PlayersStep
from vaezoo.training.execution.precision import Precision
from vaezoo.training.execution.step import Step
from vaezoo.training.observer import Observer
from vaezoo.training.scheduled_numbers import optimizer_schedules

#: Values of ``--compile``.
CompileMode = Literal["auto", "on", "off"]

#: Number of steps from which compilation pays. Compiling takes about ten seconds and saves more
#: than a millisecond a step of a small model. A count instead of a measurement: the same spec
#: always makes the same choice.
WORTH_COMPILING = 8_000

#: Why steps are eager with ``skip_bad_steps``.
_SKIPPING = "train.skip_bad_steps looks at every gradient before it is applied"


@dataclass(frozen=True)
class ExecutionPlan:
    """Whether steps are compiled (or why not), the matmul precision and the image placement.

    ``averaged`` is how the weights that are kept are averaged.
    """

    compiled: bool
    reason: str = ""
    precision: Precision = "float32"
    images: Placement = ON_DEVICE
    averaged: EMA | None = None

    def for_lock(self) -> dict[str, Any]:
        """The values that an entry's lock records."""
        averaged = {"averaged": self.averaged.model_dump()} if self.averaged else {}
        return {
            "compiled": self.compiled,
            "precision": self.precision,
            "images": self.images.kind,
            **averaged,
        }

    def __str__(self) -> str:
        steps = "compiled steps" if self.compiled else f"eager steps ({self.reason})"
        averaged = f"; averaged weights, decay {self.averaged.decay:g}" if self.averaged else ""
        return f"{steps}; {self.images}; precision: {self.precision}{averaged}"


def choose_step(
    spec: Spec,
    state: TrainingState,
    loss: LossModule,
    images: Images,
    mode: CompileMode,
    observer: Observer,
) -> tuple[Step, ExecutionPlan]:
    """The step for batches of ``images``, and the choice, which is also stored in the state.

    A resumed run keeps its choice. ``auto`` compiles where that is possible and pays.

    Raises RunError (VZ608) where the step must be compiled and cannot be, or where ``mode``
    contradicts the choice of a resumed run.
    """
    (step,), execution = choose_steps((spec,), (state,), (loss,), images, mode, observer)
    return step, execution


def choose_steps(
    specs: Sequence[Spec],
    states: Sequence[TrainingState],
    losses: Sequence[LossModule],
    images: Images,
    mode: CompileMode,
    observer: Observer,
) -> tuple[list[Step], ExecutionPlan]:
    """The steps of several runs, which share one program where compiled.

    The runs differ only in seeds, loss weights and learning rates. They use equally many images,
    and a CPU where there are several.

    Raises RunError as ``choose_step`` does.
    """
    runs = list(zip(specs, states, losses, strict=True))
    reason = _reason_for_eager(specs[0], states[0], images, mode)
    if reason is None:
        if states[0].epoch >= specs[0].train.epochs:  # nothing is left to run a program for
            return _chosen([EagerStep(*run) for run in runs], states, ExecutionPlan(compiled=True))
        observer.compiling()
        try:
            steps = _compiled_steps(specs, states, losses, images)
            return _chosen(steps, states, ExecutionPlan(compiled=True))
        except NotCapturable as error:
            reason = str(error)
            if mode == "on" or states[0].compiled:
                raise _cannot_compile(reason) from error
    eager = [_eager_step(*run) for run in runs]
    return _chosen(eager, states, ExecutionPlan(compiled=False, reason=reason))


def _eager_step(spec: Spec, state: TrainingState, loss: LossModule) -> Step:
    return (PlayersStep if state.players else EagerStep)(spec, state, loss)


def _compiled_steps(
    specs: Sequence[Spec],
    states: Sequence[TrainingState],
    losses: Sequence[LossModule],
    images: Images,
) -> list[Step]:
    """One compiled step for each run. Raises NotCapturable and leaves the states as they were."""
    first, *others = zip(specs, states, losses, strict=True)
    for state in states:
        set_memory_format(state, torch.channels_last)
    try:
        batch = batch_of(images, slice(specs[0].train.batch_size))
        step = CompiledStep(*first, batch, varying=varying_weights(specs))
    except NotCapturable:
        for state in states:
            set_memory_format(state, torch.contiguous_format)
        raise
    return [step, *(step.sharing(*run) for run in others)]


def _chosen(
    steps: Sequence[Step], states: Sequence[TrainingState], execution: ExecutionPlan
) -> tuple[list[Step], ExecutionPlan]:
    """Store the choice in the states."""
    for state in states:
        state.compiled = execution.compiled
    return list(steps), execution


def _reason_for_eager(
    spec: Spec, state: TrainingState, images: Images, mode: CompileMode
) -> str | None:
    """Why not to compile; None to compile."""
    if state.players:
        reason = "its loss has players"
        if mode == "on":
            raise _cannot_compile(reason)
        return reason
    if state.compiled is not None:
        if mode == ("off" if state.compiled else "on"):
            raise _contradicts_checkpoint(state.compiled)
        return None if state.compiled else "the run started with eager steps"
    if spec.train.skip_bad_steps:
        if mode == "on":
            raise _cannot_compile(_SKIPPING)
        return _SKIPPING
    if scheduled := optimizer_schedules(spec.train):
        reason = f"the optimizer's {scheduled[0]} has a schedule"
        if mode == "on":
            raise _cannot_compile(reason)
        return reason
    if mode == "off":
        return "compilation is off"
    if mode == "on":
        return None
    steps = spec.train.epochs * math.ceil(len(images) / spec.train.batch_size)
    if steps < WORTH_COMPILING:
        return f"compilation does not pay for {steps:,} step{'s'[: steps != 1]}"
    return missing_compiler(images.device)


def _cannot_compile(reason: str) -> RunError:
    return RunError(
        Diagnostic(
            "VZ608",
            f"the training step cannot be compiled: {reason}",
            hint="use --compile auto, which falls back to eager steps; resume a run that started "
            "with compiled steps on a machine that can compile, or start over with --fresh",
        )
    )


def _contradicts_checkpoint(compiled: bool) -> RunError:
    before, now = ("with", "without") if compiled else ("without", "with")
    return RunError(
        Diagnostic(
            "VZ608",
            f"the run started {before} compilation; resuming {now} it would change the result",
            hint="omit --compile, or start over with --fresh",
        )
    )
