"""Numbers that may change during training: β, the learning rate."""

from __future__ import annotations

import bisect
import itertools
import math
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from vaezoo.registry.fields.number_bounds import Bound
from vaezoo.registry.fields.tagged import parse

#: The keys that make a mapping a schedule.
SHAPES = ("linear", "cosine", "exponential", "cyclical", "steps")


class Schedule(BaseModel):
    """A number that changes during training, written ``{linear: [0, 1], epochs: 10}``.

    The shape's key holds the first and the last value. The change takes ``epochs`` epochs, after
    ``delay`` epochs at the first value. Afterwards the last value stays. ``warmup`` comes before
    everything: the value rises from 0 to the first one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    linear: tuple[float, float] | None = Field(None, description="a straight line")
    cosine: tuple[float, float] | None = Field(
        None, description="half a cosine wave (Loshchilov and Hutter 2017, without restarts)"
    )
    exponential: tuple[float, float] | None = Field(
        None, description="a constant factor per epoch; both values above 0"
    )
    cyclical: tuple[float, float] | None = Field(
        None,
        description="linear over the first half of each cycle, constant over the second "
        "(Fu et al. 2019, arXiv:1903.10145)",
    )
    steps: tuple[float, ...] | None = Field(
        None,
        min_length=2,
        max_length=100,
        description="each value in turn, for equal parts of epochs unless growth is set",
    )
    epochs: float = Field(gt=0, description="duration of the change, in epochs")
    delay: float = Field(0.0, ge=0, description="epochs at the first value before the change")
    warmup: float = Field(
        0.0, ge=0, description="epochs of a linear rise from 0 to the first value, before the rest"
    )
    cycles: int = Field(1, ge=1, description="number of cycles of a cyclical schedule")
    growth: float = Field(
        1.0,
        gt=0,
        le=100,
        description="factor by which each of steps lasts longer than the one before",
    )

    @model_validator(mode="after")
    def _one_shape(self) -> Schedule:
        given = [shape for shape in SHAPES if getattr(self, shape) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "vaezoo_schedule",
                "a schedule has exactly one shape, but this one has {count}",
                {"count": len(given), "hint": f"use one of {', '.join(SHAPES)}"},
            )
        if self.exponential and min(self.exponential) <= 0:
            raise PydanticCustomError(
                "vaezoo_schedule",
                "an exponential schedule needs values above 0",
                {"hint": "use linear or cosine for a value of 0"},
            )
        return self

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return {name: value for name, value in fields.items() if value != defaults[name]}

    @property
    def values(self) -> tuple[float, ...]:
        """The values in the spec; all after ``warmup`` lie between them."""
        for shape in SHAPES:
            values: tuple[float, ...] | None = getattr(self, shape)
            if values is not None:
                return values
        raise AssertionError("a validated schedule has a shape")

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last value."""
        return self.values[0], self.values[-1]

    def at(self, epoch: float) -> float:
        """The value after ``epoch`` epochs of training (fractions count)."""
        first, last = self.ends
        if epoch < self.warmup:
            return first * epoch / self.warmup
        epoch -= self.warmup
        progress = min(max((epoch - self.delay) / self.epochs, 0.0), 1.0)
        if self.steps:
            return self.steps[self._step(epoch - self.delay)]
        if self.linear:
            return first + (last - first) * progress
        if self.cosine:
            return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
        if self.exponential:
            return float(first * (last / first) ** progress)
        within = 1.0 if progress == 1.0 else (progress * self.cycles) % 1.0
        return first + (last - first) * min(2 * within, 1.0)

    def _step(self, time: float) -> int:
        """The index of the step at ``time``, in epochs after the delay."""
        lengths = [self.growth**index for index in range(len(self.values))]
        ends = [self.epochs * end / sum(lengths) for end in itertools.accumulate(lengths)]
        return bisect.bisect_right(ends[:-1], time)


def value_at(value: float | Schedule, epoch: float) -> float:
    """The value of a number or schedule after ``epoch`` epochs of training."""
    return value.at(epoch) if isinstance(value, Schedule) else value


class BoundedBelow:
    """Validates a number or a schedule whose values all satisfy a lower bound."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    def __call__(self, value: Any) -> float | Schedule:
        if isinstance(value, dict):
            value = parse(Schedule, value)
        if isinstance(value, bool) or not isinstance(value, int | float | Schedule):
            raise PydanticCustomError(
                "vaezoo_number_or_schedule",
                "must be a number or a schedule",
                {"hint": "a schedule is a mapping such as {linear: [0, 1], epochs: 10}"},
            )
        limit = self.bound.limit
        for each in value.values if isinstance(value, Schedule) else (value,):
            inside = each >= limit if self.bound.relation == "ge" else each > limit
            if not (inside and math.isfinite(each)):
                raise PydanticCustomError(
                    "vaezoo_range",
                    "must be finite and {bound}, not {value}",
                    {"value": each, "bound": self.bound.words},
                )
        return value if isinstance(value, Schedule) else float(value)


#: A number of at least 0, or a schedule of such numbers.
NonNegative = Annotated[float | Schedule, BeforeValidator(BoundedBelow(Bound("ge", 0.0)))]
#: A number above 0, or a schedule of such numbers.
Positive = Annotated[float | Schedule, BeforeValidator(BoundedBelow(Bound("gt", 0.0)))]
