"""Which model reads which place of a spec: the schema, asked by path.

Messages use it to name the keys that are allowed somewhere, overrides to find the component
that stands where a spec says nothing.
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import Any

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vaezoo.diagnostics import PluginError
from vaezoo.registry import Component, Registry
from vaezoo.registry.fields.activation import ACTIVATIONS, ActivationFunction
from vaezoo.spec.nodes import Path
from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class SchemaPlace:
    """What may stand at a path: its annotation, its constraints, and the field if it is one."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    field: FieldInfo | None = None

    @property
    def model(self) -> type[BaseModel] | None:
        """The pydantic model that a mapping at this place is read as."""
        options = _options(self.annotation)
        models = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        return models[0] if models else None

    @property
    def kind(self) -> str | None:
        """The kind of component that belongs here, if one does."""
        model = self.model
        return model.kind if model and issubclass(model, Component) else None

    @property
    def bounds(self) -> list[str]:
        """The range that a number here must keep to, in words."""
        words: list[str] = []
        for constraint in self.metadata:
            for attribute, relation in _RELATIONS.items():
                limit = getattr(constraint, attribute, None)
                if limit is not None:
                    words.append(f"{relation} {limit}")
            least = getattr(getattr(constraint, "func", None), "minimum", None)
            if least is not None:  # a number or a schedule
                words.append(f"{'at least' if constraint.func.inclusive else 'above'} {least:g}")
        return words

    @property
    def length(self) -> int | None:
        """How many items a list here has, where that is fixed: two for ``tuple[float, float]``."""
        for option in _options(self.annotation):
            items = typing.get_args(option)
            if typing.get_origin(option) is tuple and items and items[-1] is not Ellipsis:
                return len(items)
        return None

    @property
    def choices(self) -> list[Any]:
        """The values that may stand here, where they are a few."""
        literal = (o for o in _options(self.annotation) if typing.get_origin(o) is typing.Literal)
        return [choice for option in literal for choice in typing.get_args(option)]


_RELATIONS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def place_at(path: Path, data: Any, registry: Registry) -> SchemaPlace | None:
    """What belongs at ``path`` of the spec that ``data`` holds; None where nothing is known."""
    place: SchemaPlace | None = SchemaPlace(Spec)
    for part in path:
        if place is None:
            return None
        place = _below(place, part, data, registry)
        data = _child(data, part)
    return place


def model_at(path: Path, data: Any, registry: Registry) -> type[BaseModel] | None:
    """The model that reads the mapping at ``path``: a section, or the component it names."""
    place = place_at(path, data, registry)
    for part in path:
        data = _child(data, part)
    return _chosen(place, data, registry) if place else None


def default_at(path: Path) -> str | tuple[str, ...] | None:
    """The name of the component, or the names of those in a list, that a spec gets at ``path``
    when it says nothing there."""
    model: type[BaseModel] | None = Spec
    field: FieldInfo | None = None
    for part in path:
        if model is None or not isinstance(part, str) or part not in model.model_fields:
            return None
        field = model.model_fields[part]
        model = SchemaPlace(field.annotation).model
    default = field.default if field else None
    if isinstance(default, tuple):
        return default if all(isinstance(name, str) for name in default) else None
    is_component = model is not None and issubclass(model, Component)
    return default if is_component and isinstance(default, str) else None


def _below(
    place: SchemaPlace, part: str | int, data: Any, registry: Registry
) -> SchemaPlace | None:
    if isinstance(part, int):
        return _item(place, part)
    model = _chosen(place, data, registry)
    field = model.model_fields.get(part) if model else None
    return SchemaPlace(field.annotation, tuple(field.metadata), field) if field else None


def _item(place: SchemaPlace, index: int) -> SchemaPlace | None:
    for option in _options(place.annotation):
        arguments = typing.get_args(option)
        if typing.get_origin(option) in (tuple, list) and arguments:
            fixed = option if len(arguments) > index and arguments[-1] is not Ellipsis else None
            inner, metadata = _strip(arguments[index] if fixed else arguments[0])
            return SchemaPlace(inner, metadata)
    return None


def _chosen(place: SchemaPlace, data: Any, registry: Registry) -> type[BaseModel] | None:
    model = place.model
    if model is None:
        return None
    use = data.get("use") if isinstance(data, dict) else data
    if issubclass(model, ActivationFunction):
        return ACTIVATIONS.get(use) if isinstance(use, str) else None
    if not issubclass(model, Component):
        return model
    try:
        return registry.find(model.kind, use).component if isinstance(use, str) else None
    except PluginError:
        return None


def _options(annotation: Any) -> list[Any]:
    inner, _ = _strip(annotation)
    if typing.get_origin(inner) in (typing.Union, types.UnionType):
        return [option for argument in typing.get_args(inner) for option in _options(argument)]
    return [inner]


def _strip(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(annotation) is not typing.Annotated:
        return annotation, ()
    inner, *metadata = typing.get_args(annotation)
    flat: list[Any] = []
    for entry in metadata:
        grouped = isinstance(entry, annotated_types.GroupedMetadata)
        flat += list(entry) if grouped else [entry]
    return inner, tuple(flat)


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None
