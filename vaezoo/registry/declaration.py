"""Mistakes in the class of a component that would give wrong results later."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from vaezoo.registry.component import Component


@lru_cache(maxsize=1024)
def declaration_problem(component: type[Component]) -> str | None:
    """Why a class breaks the contract of its kind, in one sentence, else None.

    Its fields have a schema. It finds methods in the place of values, and nested models that
    accept unknown keys.
    """
    found = [*_methods_for_values(component), *_open_models(component)]
    return found[0] if found else None


def _methods_for_values(component: type[Component]) -> Iterator[str]:
    """A method where the kind declares a property or a class variable: it would never be called."""
    for name, value in vars(component).items():
        bases = [vars(base) for base in component.__mro__[1:] if name in vars(base)]
        if bases and inspect.isfunction(value) and not _is_method(bases[0][name]):
            yield f"its {name} is a method, but must be a value; add @property above it"


def _is_method(declared: Any) -> bool:
    return callable(declared) or isinstance(declared, classmethod | staticmethod)


def _open_models(component: type[Component]) -> Iterator[str]:
    for name, field in component.model_fields.items():
        for model in _models_in(field.annotation):
            if model.model_config.get("extra") != "forbid":
                yield (
                    f"its field {name} accepts misspelt keys; give {model.__name__} "
                    'model_config = ConfigDict(extra="forbid", frozen=True)'
                )


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, and in the fields of those models."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
        if not issubclass(annotation, Component):
            for field in annotation.model_fields.values():
                yield from _models_in(field.annotation)
    for part in get_args(annotation):
        yield from _models_in(part)
