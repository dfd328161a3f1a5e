"""Which parameters of a component can change the names and shapes of its weights."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel

from vaezoo.registry.fields.activation import ActivationFunction
from vaezoo.registry.fields.initializer import Initializer


def shaping(model: type[BaseModel]) -> list[str]:
    """All fields but activations, which have no weights, and initialisers, which fill them."""
    return [name for name, field in model.model_fields.items() if _shapes(field.annotation)]


def _shapes(annotation: Any) -> bool:
    return annotation != Initializer and ActivationFunction not in _within(annotation)


def _within(annotation: Any) -> list[Any]:
    """A type and all that it is made of: the members of a union, what an Annotated marks."""
    inner = typing.get_args(annotation)
    return [annotation, *(found for argument in inner for found in _within(argument))]
