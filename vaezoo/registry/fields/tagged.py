"""Validate a field that may be written in more than one form.

A pydantic union reports an error for every member. These helpers select one member by the
value's form, so that a wrong value gives one error at its position.
"""

from __future__ import annotations

import json
import threading
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from vaezoo.diagnostics import suggest
from vaezoo.diagnostics.confusables import plain

M = TypeVar("M", bound=BaseModel)
_BUILDING = threading.RLock()


def parse(model: type[M], value: Any, context: Any = None) -> M:
    """Validate JSON data strictly as ``model``; errors keep their path inside it."""
    return completed(model).model_validate_json(json.dumps(value), strict=True, context=context)


def completed(model: type[M]) -> type[M]:
    """The model with its schema built, by one thread: pydantic before 2.12 does not lock."""
    if not model.__pydantic_complete__:
        with _BUILDING:
            model.model_rebuild()
    return model


def split_use(value: Any, noun: str) -> tuple[str, dict[str, Any]]:
    """Split ``name`` or ``{use: name, parameter: …}`` into the name and its parameters."""
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict):
        parameters = dict(value)
        use = parameters.pop("use", None)
        if isinstance(use, str):
            return use, parameters
        if use is None:
            raise PydanticCustomError(
                "vaezoo_use_missing",
                "is missing the key 'use'",
                {"noun": noun, "hint": f"write {{use: NAME, …}} or just the name of the {noun}"},
            )
    raise PydanticCustomError(
        "vaezoo_use_type",
        "must be the name of a {noun}, or a mapping with the key 'use'",
        {"noun": noun, "hint": "write NAME or {use: NAME, parameter: value}"},
    )


def unknown_name(name: str, known: list[str], noun: str, plural: str) -> PydanticCustomError:
    """The error for a name that is not one of ``known``."""
    return PydanticCustomError(
        "vaezoo_unknown_name",
        "unknown {noun} {name}",
        {"noun": noun, "name": repr(name), "hint": suggest(plain(name), known, plural)},
    )
