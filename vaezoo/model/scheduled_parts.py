"""Numbers of a model's parts that change during training.

A part whose field accepts a schedule keeps the current value in a scalar buffer of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from vaezoo.model.vae import PARTS, VAE
from vaezoo.registry import Component
from vaezoo.registry.fields import Schedule
from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class ScheduledField:
    """A field of a part with a schedule, and the buffers that hold its current value."""

    part: str
    component: Component
    name: str
    schedule: Schedule
    buffers: tuple[Tensor, ...]


def scheduled_fields(spec: Spec, model: VAE) -> Iterator[ScheduledField]:
    """The fields of the model's parts that have a schedule."""
    for part in PARTS:
        component: Component = getattr(spec.model, part)
        for name, schedule in schedules_of(component).items():
            buffers = tuple(
                buffer
                for path, buffer in model.part(part).named_buffers()
                if path.rpartition(".")[2] == name and buffer.ndim == 0
            )
            yield ScheduledField(part, component, name, schedule, buffers)


def schedules_of(component: Component) -> dict[str, Schedule]:
    """The schedules among a component's fields, by name."""
    fields = {name: getattr(component, name) for name in type(component).model_fields}
    return {name: value for name, value in fields.items() if isinstance(value, Schedule)}
