"""Set scheduled numbers of parts and optimizers before each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from vaezoo.diagnostics import Diagnostic, PluginError
from vaezoo.model.scheduled_parts import scheduled_fields, schedules_of
from vaezoo.registry import Optimizer
from vaezoo.registry.blame import class_path, component_label
from vaezoo.registry.fields import Schedule
from vaezoo.spec.spec import Spec, TrainSpec
from vaezoo.training.build_optimizer import PART
from vaezoo.training.checkpoint import TrainingState


class ScheduledNumbers:
    """The scheduled numbers of a run, other than learning rates and weights of the loss."""

    def __init__(self, spec: Spec, state: TrainingState) -> None:
        self._settings = [*_of_parts(spec, state), *_of_optimizer(spec.train, state)]

    def set(self, epoch: float) -> None:
        """Set each number to its value after ``epoch`` epochs."""
        for schedule, assign in self._settings:
            assign(schedule.at(epoch))


def optimizer_schedules(plan: TrainSpec) -> list[str]:
    """The options of the optimizers that have a schedule, other than the learning rate."""
    settings = (plan.optimizer, *plan.groups.optimizers().values())
    return [name for one in settings for name in schedules_of(one) if name != "lr"]


def _of_parts(
    spec: Spec, state: TrainingState
) -> Iterator[tuple[Schedule, Callable[[float], Any]]]:
    for found in scheduled_fields(spec, state.model):
        for buffer in found.buffers:
            yield found.schedule, _filling(buffer)


def _of_optimizer(
    plan: TrainSpec, state: TrainingState
) -> Iterator[tuple[Schedule, Callable[[float], Any]]]:
    own = plan.groups.optimizers()
    for group in state.optimizer.param_groups:
        settings = own.get(group.get(PART, ""), plan.optimizer)
        for name, schedule in schedules_of(settings).items():
            if name == "lr":
                continue
            if name not in group:
                raise _no_option(settings, name)
            yield schedule, _assigning(group, name)


def _filling(buffer: Tensor) -> Callable[[float], Any]:
    return lambda value: buffer.fill_(value)


def _assigning(group: dict[str, Any], name: str) -> Callable[[float], Any]:
    return lambda value: group.__setitem__(name, value)


def _no_option(settings: Optimizer, name: str) -> PluginError:
    return PluginError(
        Diagnostic(
            "VZ303",
            f"{component_label(settings)} has a schedule for {name}, but its torch optimizer has "
            "no option of that name",
            hint=f"name the field as the option is; the fault is in {class_path(settings)}",
        )
    )
