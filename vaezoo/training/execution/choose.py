"""Which road a run's steps take: operation by operation, or compiled into one program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from vaezoo.data.image_batches import Images
from vaezoo.data.placement import ON_DEVICE, Placement
from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.registry.contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.compiled import CompiledStep, EagerStep, Step
from vaezoo.training.execution.graph_capture import NotCapturable, varying_weights
from vaezoo.training.execution.inductor import missing
from vaezoo.training.execution.memory_format import lay_out
from vaezoo.training.execution.precision import Precision
from vaezoo.training.observer import Observer

#: What ``--compile`` may be.
CompileMode = Literal["auto", "on", "off"]

#: Steps from which on a compiled one gains more time than compiling takes. Compiling takes some
#: ten seconds, and a step of a small model gains more than a millisecond. A rule that counts,
#: rather than a measurement: the same spec always takes the same road.
WORTH_COMPILING = 8_000


@dataclass(frozen=True)
class ExecutionPlan:
    """The road taken, why it is not the compiled one, where the images lie meanwhile, and in what
    numbers it multiplies."""

    compiled: bool
    reason: str = ""
    precision: Precision = "float32"
    images: Placement = ON_DEVICE

    def __str__(self) -> str:
        how = f"steps not compiled: {self.reason}"
        if self.compiled:
            how = "each step compiled as a whole"
        return f"{how}; {self.images}; products in {self.precision}"


def choose_step(
    spec: Spec,
    state: TrainingState,
    loss: LossModule,
    images: Images,
    mode: CompileMode,
    observer: Observer,
) -> tuple[Step, ExecutionPlan]:
    """The step for batches of ``images``, and its road, noted in the state.

    A state that has taken a road keeps to it. ``auto`` compiles where that is worth it and
    possible. Raises RunError (VZ608) where a step must be compiled and cannot be, or the state
    has taken another road than is wished.
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
    """The steps of runs that differ in seeds, weights of the loss and learning rates alone, on
    as many images each and on a CPU. All take the road that one of them would, by one program.

    Raises RunError as ``choose_step`` does.
    """
    spec, state, plan = specs[0], states[0], specs[0].train
    runs = list(zip(specs, states, losses, strict=True))
    plain: list[Step] = [EagerStep(*run) for run in runs]
    reason = _against(spec, state, images, mode)
    if reason is None:
        if state.epoch >= plan.epochs:  # nothing is left that a program would be made for
            return _on(plain, states, ExecutionPlan(compiled=True))
        observer.compiling()
        for each in states:
            lay_out(each, torch.channels_last)
        batch, varying = images[: plan.batch_size], varying_weights(specs)
        try:
            first = CompiledStep(*runs[0], batch, varying=varying)
        except NotCapturable as error:
            reason = str(error)
            for each in states:
                lay_out(each, torch.contiguous_format)
            if mode == "on" or state.compiled:
                raise _cannot(reason) from error
        else:
            steps: list[Step] = [first, *(first.sharing(*run) for run in runs[1:])]
            return _on(steps, states, ExecutionPlan(compiled=True))
    return _on(plain, states, ExecutionPlan(compiled=False, reason=reason))


def _on(
    steps: list[Step], states: Sequence[TrainingState], execution: ExecutionPlan
) -> tuple[list[Step], ExecutionPlan]:
    """The steps and their road, noted in the states."""
    for state in states:
        state.compiled = execution.compiled
    return steps, execution


def _against(spec: Spec, state: TrainingState, images: Images, mode: CompileMode) -> str | None:
    """What speaks against compiling, None if nothing does."""
    steps = spec.train.epochs * math.ceil(len(images) / spec.train.batch_size)
    if state.compiled is not None:
        if mode == ("off" if state.compiled else "on"):
            raise _other_road(state.compiled)
        return None if state.compiled else "the run began so"
    if mode == "off":
        return "as asked for"
    if mode == "on":
        return None
    if steps < WORTH_COMPILING:
        return f"too short a run to gain by it ({steps:,} steps)"
    return missing(images.device)


def _cannot(reason: str) -> RunError:
    return RunError(
        Diagnostic(
            "VZ608",
            f"the training step cannot be compiled: {reason}",
            hint="train with --compile auto, which does without where it must; "
            "a run that began compiled goes on where it can be, or starts anew with --fresh",
        )
    )


def _other_road(compiled: bool) -> RunError:
    so = "with compiled steps" if compiled else "without compiling"
    return RunError(
        Diagnostic(
            "VZ608",
            f"the run began {so}, and would end in other bytes by another road",
            hint="leave --compile out, or start anew with --fresh",
        )
    )
