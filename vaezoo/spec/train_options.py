"""Options of training that a spec may leave out: averaging, clipping, groups, other weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from vaezoo.registry import Optimizer
from vaezoo.registry.fields.short_form import short_form
from vaezoo.registry.fields.tagged import parse
from vaezoo.spec.section import SpecSection

#: The parts of a model that may be trained differently.
Part = Literal["encoder", "posterior", "topology", "decoder", "likelihood", "prior"]
PARTS: tuple[Part, ...] = get_args(Part)


class EMA(SpecSection):
    """Keep an exponential moving average of the weights, and use it for everything but training."""

    decay: float = Field(ge=0, lt=1, description="share of the old average at each step")
    start: float = Field(
        0.0, ge=0, description="epochs before averaging; until then the average is the weights"
    )

    def decay_at(self, epoch: float) -> float:
        """The share of the old average at a step after ``epoch`` epochs of training."""
        return 0.0 if epoch < self.start else self.decay


#: A limit that is written only where it is meant.
_Limit = Annotated[float | None, WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]


class GradientClip(SpecSection):
    """Limit the gradient of the mean objective, by its norm or each of its values."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["norm"]}, {"required": ["value"]}]}
    )

    norm: _Limit = Field(None, gt=0, description="largest norm of the whole gradient")
    value: _Limit = Field(None, gt=0, description="largest absolute value of an element")

    @model_validator(mode="after")
    def _one_limit(self) -> GradientClip:
        if (self.norm is None) == (self.value is None):
            raise PydanticCustomError(
                "vaezoo_gradient_clip",
                "a gradient is clipped by norm or by value",
                {"hint": "write {norm: 1.0}, which is the same as 1.0, or {value: 0.5}"},
            )
        return self


@dataclass(frozen=True)
class PartOptimizer:
    """The optimizer of one part: the spec's, with some of its settings replaced."""

    optimizer: Optimizer
    replaced: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """The replaced settings in the form of a spec."""
        return self.optimizer.model_dump(mode="json", include=set(self.replaced))


def part_optimizer(value: Any, info: ValidationInfo) -> PartOptimizer | None:
    """Validate settings as those of the optimizer in the context."""
    if value is None or isinstance(value, PartOptimizer):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError(
            "vaezoo_group",
            "must be a mapping of the optimizer's parameters",
            {"hint": "write a mapping such as {lr: 1e-4}"},
        )
    optimizer: Optimizer = (info.context or {})["optimizer"]
    inherited = optimizer.model_dump(mode="json")
    return PartOptimizer(parse(type(optimizer), {**inherited, **value}, info.context), tuple(value))


_Settings = Annotated[
    Optimizer | None,  # what the keys and messages of a mapping are taken from
    PlainValidator(part_optimizer),
    PlainSerializer(lambda group: group and group.settings()),
    WithJsonSchema({"type": ["object", "null"]}),
]


class Groups(SpecSection):
    """Settings of the optimizer for parts of the model."""

    encoder: _Settings = Field(None, description="settings for the encoder")
    posterior: _Settings = Field(None, description="settings for the family of q(z|x)")
    topology: _Settings = Field(None, description="settings for the topology")
    decoder: _Settings = Field(None, description="settings for the decoder")
    likelihood: _Settings = Field(None, description="settings for the likelihood")
    prior: _Settings = Field(None, description="settings for the prior")

    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizer of each part with settings of its own."""
        return {part: group.optimizer for part, group in self._chosen()}

    def _chosen(self) -> Iterator[tuple[str, PartOptimizer]]:
        for part in PARTS:
            group: Any = getattr(self, part)
            if group is not None:
                yield part, group

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {part: group.settings() for part, group in self._chosen()}


class StartFrom(SpecSection):
    """Start from the weights of a trained model."""

    entry: str = Field(
        min_length=1, description="an entry of the zoo, or the path of a weights file"
    )
    parts: tuple[Part, ...] | None = Field(
        None, min_length=1, description="the parts to load; all by default"
    )


EMAField = Annotated[EMA | None, *short_form(EMA, "decay")]
GradientClipField = Annotated[GradientClip | None, *short_form(GradientClip, "norm")]
StartFromField = Annotated[StartFrom | None, *short_form(StartFrom, "entry")]
