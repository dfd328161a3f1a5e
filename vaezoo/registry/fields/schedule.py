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

from vaezoo.registry.fields.tagged import parse

#: The keys that make a mapping a schedule.
SHAPES = ("linear", "cosine", "exponential", "cyclical", "steps")


class Schedule(BaseModel):
    """A number as a function of training time, written ``{linear: [0, 1], epochs: 10}``.

    The shape's key holds the first and the last value; ``epochs`` is how long the way between
    them takes, after ``delay`` epochs at the first value. Beyond the end the last value stays.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    linear: tuple[float, float] | None = Field(None, description="a straight line")
    cosine: tuple[float, float] | None = Field(
        None, description="half a cosine wave (Loshchilov and Hutter 2017, without restarts)"
    )
    exponential: tuple[float, float] | None = Field(
        None, description="a constant factor per unit of time; both ends above 0"
    )
    cyclical: tuple[float, float] | None = Field(
        None,
        description="linear over the first half of each cycle, flat over the second "
        "(Fu et al. 2019, arXiv:1903.10145)",
    )
    steps: tuple[float, ...] | None = Field(
        None,
        min_length=2,
        max_length=100,
        description="each value in turn, for equal parts of epochs unless growth says otherwise",
    )
    epochs: float = Field(gt=0, description="how long the change takes, in epochs")
    delay: float = Field(0.0, ge=0, description="epochs to wait at the first value")
    cycles: int = Field(1, ge=1, description="how often a cyclical schedule repeats")
    growth: float = Field(
        1.0, gt=0, le=100, description="how much longer each of steps lasts than the one before"
    )

    @model_validator(mode="after")
    def _one_shape(self) -> Schedule:
        given = [shape for shape in SHAPES if getattr(self, shape) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "vaezoo_schedule",
                "a schedule has exactly one shape, this one has {count}",
                {"count": len(given), "hint": f"give one of {', '.join(SHAPES)}"},
            )
        if self.exponential and min(self.exponential) <= 0:
            raise PydanticCustomError(
                "vaezoo_schedule",
                "an exponential schedule needs two values above 0",
                {"hint": "use linear or cosine where a value is 0"},
            )
        return self

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return {name: value for name, value in fields.items() if value != defaults[name]}

    @property
    def values(self) -> tuple[float, ...]:
        """The values that it is written with; none that it takes lies outside of them."""
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
        """Which of the steps it is after so many epochs."""
        lengths = [self.growth**index for index in range(len(self.values))]
        ends = [self.epochs * end / sum(lengths) for end in itertools.accumulate(lengths)]
        return bisect.bisect_right(ends[:-1], time)


def value_at(value: float | Schedule, epoch: float) -> float:
    """A schedulable number at a time, in epochs since training began."""
    return value.at(epoch) if isinstance(value, Schedule) else value


class Bounds:
    """Reads a number or a schedule and holds all that it takes to a lower bound."""

    def __init__(self, minimum: float, inclusive: bool) -> None:
        self.minimum = minimum
        self.inclusive = inclusive

    def __call__(self, value: Any) -> float | Schedule:
        if isinstance(value, dict):
            value = parse(Schedule, value)
        if isinstance(value, bool) or not isinstance(value, int | float | Schedule):
            raise PydanticCustomError(
                "vaezoo_number_or_schedule",
                "a number or a schedule belongs here",
                {"hint": "write a number, or a schedule such as {linear: [0, 1], epochs: 10}"},
            )
        for end in value.values if isinstance(value, Schedule) else (value,):
            inside = end >= self.minimum if self.inclusive else end > self.minimum
            if not (inside and math.isfinite(end)):
                relation = "at least" if self.inclusive else "above"
                raise PydanticCustomError(
                    "vaezoo_range",
                    "{value} is out of range",
                    {"value": end, "hint": f"a finite number {relation} {self.minimum:g}"},
                )
        return value if isinstance(value, Schedule) else float(value)


#: A number of at least 0, or a schedule between such numbers.
NonNegative = Annotated[float | Schedule, BeforeValidator(Bounds(0.0, inclusive=True))]
#: A number above 0, or a schedule between such numbers.
Positive = Annotated[float | Schedule, BeforeValidator(Bounds(0.0, inclusive=False))]
