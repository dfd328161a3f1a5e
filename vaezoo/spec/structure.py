"""Look up the schema of a spec by path.

Messages use it to list the keys allowed at a path, overrides to find default components.
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
from vaezoo.registry.fields.number_bounds import bounds_in
from vaezoo.spec.nodes import Path
from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class SchemaPlace:
    """The schema at a path: its annotation, its constraints, and its field if it has one."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    field: FieldInfo | None = None

    @property
    def model(self) -> type[BaseModel] | None:
        """The pydantic model of a mapping at this path."""
        options = _options(self.annotation)
        models = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        return models[0] if models else None

    @property
    def kind(self) -> str | None:
        """The kind of component at this path, if any."""
        model = self.model
        return model.kind if model and issubclass(model, Component) else None

    @property
    def bounds(self) -> list[str]:
        """The bounds of a number at this path, in words."""
        return [bound.words for bound in bounds_in(self.metadata)]

    @property
    def length(self) -> int | None:
        """The fixed length of a list at this path: 2 for ``tuple[float, float]``, else None."""
        for option in _options(self.annotation):
            items = typing.get_args(option)
            if typing.get_origin(option) is tuple and items and items[-1] is not Ellipsis:
                return len(items)
        return None

    @property
    def choices(self) -> list[Any]:
        """The allowed values of a ``Literal`` at this path, else empty."""
        literal = (o for o in _options(self.annotation) if typing.get_origin(o) is typing.Literal)
        return [choice for option in literal for choice in typing.get_args(option)]


def place_at(path: Path, data: Any, registry: Registry) -> SchemaPlace | None:
    """The schema at ``path`` of the spec in ``data``; None if the schema has no such path."""
    place: SchemaPlace | None = SchemaPlace(Spec)
    data = _with_named_groups(data)
    for part in path:
        if place is None:
            return None
        place = _below(place, part, data, registry)
        data = _child(data, part)
    return place


def model_at(path: Path, data: Any, registry: Registry) -> type[BaseModel] | None:
    """The model of the mapping at ``path``: a section, or the component it names."""
    place = place_at(path, data, registry)
    data = _with_named_groups(data)
    for part in path:
        data = _child(data, part)
    return _chosen(place, data, registry) if place else None


def _with_named_groups(data: Any) -> Any:
    """The spec with the optimizer's name in each group, whose settings are the optimizer's."""
    train = _child(data, "train")
    groups = _child(train, "groups")
    if not isinstance(groups, dict):
        return data
    optimizer = train.get("optimizer", default_at(("train", "optimizer")))
    use = optimizer.get("use") if isinstance(optimizer, dict) else optimizer
    named = {
        part: {**group, "use": use} if isinstance(group, dict) else group
        for part, group in groups.items()
    }
    return {**data, "train": {**train, "groups": named}}


def default_at(path: Path) -> str | tuple[str, ...] | None:
    """The name or names of the default component or components at ``path``, else None."""
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
