"""The parameters of a component that can change the names and shapes of its weights."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel

from vaezoo.registry.fields.activation import ActivationFunction
from vaezoo.registry.fields.initializer import Initializer


def shaping(model: type[BaseModel]) -> list[str]:
    """All fields except activations, which have no weights, and initializers, which fill them."""
    return [name for name, field in model.model_fields.items() if _shapes(field.annotation)]


def _shapes(annotation: Any) -> bool:
    return annotation != Initializer and ActivationFunction not in _parts(annotation)


def _parts(annotation: Any) -> list[Any]:
    """A type and its arguments, recursively."""
    inner = typing.get_args(annotation)
    return [annotation, *(found for argument in inner for found in _parts(argument))]
