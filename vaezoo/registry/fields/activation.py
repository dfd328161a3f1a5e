"""Activation functions as data: ``relu``, or ``{use: leaky_relu, negative_slope: 0.01}``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from vaezoo.registry.fields.tagged import parse, split_use, unknown_name

if TYPE_CHECKING:
    from torch import nn


class ActivationFunction(BaseModel):
    """An activation function and its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @abstractmethod
    def build(self) -> nn.Module:
        """Build an elementwise module."""


class ReLU(ActivationFunction):
    """max(0, x)."""

    def build(self) -> nn.Module:
        from torch import nn

        return nn.ReLU()


class LeakyReLU(ActivationFunction):
    """x for x > 0, else ``negative_slope`` · x."""

    negative_slope: float = Field(0.01, ge=0, description="slope for x < 0")

    def build(self) -> nn.Module:
        from torch import nn

        return nn.LeakyReLU(self.negative_slope)


class ELU(ActivationFunction):
    """x for x > 0, else ``alpha`` · (exp(x) − 1)."""

    alpha: float = Field(1.0, gt=0, description="minus the limit for x → −∞")

    def build(self) -> nn.Module:
        from torch import nn

        return nn.ELU(self.alpha)


class GELU(ActivationFunction):
    """x · Φ(x), with Φ the standard normal distribution function."""

    approximate: Literal["none", "tanh"] = Field(
        "none", description="none is exact; tanh approximates Φ"
    )

    def build(self) -> nn.Module:
        from torch import nn

        return nn.GELU(self.approximate)


class SiLU(ActivationFunction):
    """x · sigmoid(x)."""

    def build(self) -> nn.Module:
        from torch import nn

        return nn.SiLU()


class Tanh(ActivationFunction):
    """tanh(x)."""

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Tanh()


class Linear(ActivationFunction):
    """x: no activation."""

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Identity()


ACTIVATIONS: dict[str, type[ActivationFunction]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "tanh": Tanh,
    "linear": Linear,
}
_NAMES = {function: name for name, function in ACTIVATIONS.items()}


def read_activation(value: Any) -> ActivationFunction:
    """Validate ``name`` or ``{use: name, …}`` as an activation."""
    if isinstance(value, ActivationFunction):
        return value
    name, parameters = split_use(value, "activation")
    if name not in ACTIVATIONS:
        raise unknown_name(name, list(ACTIVATIONS), "activation", "activations")
    return parse(ACTIVATIONS[name], parameters)


def _write(activation: ActivationFunction) -> str | dict[str, Any]:
    parameters = activation.model_dump(mode="json")
    name = _NAMES[type(activation)]
    return {"use": name, **parameters} if parameters else name


#: An activation, written as its name or as ``{use: name, parameter: value}``.
Activation = Annotated[ActivationFunction, PlainValidator(read_activation), PlainSerializer(_write)]
