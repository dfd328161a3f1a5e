"""``why``: the file, argument or default that a value comes from, and its definition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from pydantic import BaseModel

from vaezoo.diagnostics import Diagnostic, PluginError, Span, UsageError, nearest
from vaezoo.registry import Component, Registry
from vaezoo.registry.fields.activation import ActivationFunction
from vaezoo.registry.fields.schedule import SHAPES
from vaezoo.spec.matrix_texts import Text
from vaezoo.spec.nodes import Node, Path
from vaezoo.spec.reader import Member, Reading, resolved
from vaezoo.spec.spec import Spec
from vaezoo.spec.structure import SchemaPlace, model_at, place_at

_MAX_KEYS = 12


@dataclass(frozen=True)
class SettingOrigin:
    """A value as written, as JSON data, and its position."""

    value: Any
    span: Span


@dataclass(frozen=True)
class FieldDefinition:
    """The class that defines a field, or the class of a component, with its plugin."""

    what: str
    plugin: str
    version: str
    class_name: str


@dataclass(frozen=True)
class Field:
    """The field at a path: its meaning, its range and its definition."""

    path: str
    description: str
    range: str
    definition: FieldDefinition


@dataclass(frozen=True)
class Origin:
    """The origin of a value.

    ``value`` is the effective value as JSON data. ``setting`` is where it was written, None for
    a default. ``overrode`` holds the values that it replaced, the lowest layer first.
    ``component`` is the class that a component's name refers to. ``parts`` are the origins of
    the values of a section. ``members`` names the members with this origin, out of ``out_of``.
    """

    path: str
    value: Any
    setting: SettingOrigin | None
    overrode: tuple[SettingOrigin, ...]
    field: Field | None
    component: FieldDefinition | None
    members: tuple[str, ...]
    out_of: int
    parts: tuple[Origin, ...] = ()


def origins(reading: Reading, key: str, registry: Registry) -> tuple[Origin, ...]:
    """The origins of the value at ``key``: one for each group of members that share it.

    Raises UsageError (VZ504) for a key that the spec does not have.
    """
    path = _parsed(key)
    below = dict.fromkeys(leaf for member in reading.members for leaf in _below(member, path))
    if not below:
        raise UsageError(_unknown(key, path, reading.members))
    if list(below) == [path]:
        return _grouped(reading.members, path, registry)
    parts = [part for leaf in below for part in _grouped(reading.members, leaf, registry)]
    having = [origin for member in reading.members if (origin := _origin(member, path, registry))]
    names = tuple(name for origin in having for name in origin.members)
    return (replace(having[0], members=names, out_of=len(reading.members), parts=tuple(parts)),)


def _below(member: Member, path: Path) -> list[Path]:
    """The paths of the single values at or below a path; empty if the member lacks it."""
    assert member.spec
    try:
        return list(_leaves(_value(member.spec, path), path))
    except LookupError:
        return []


def _grouped(members: Sequence[Member], path: Path, registry: Registry) -> tuple[Origin, ...]:
    """The origins of one value, with members grouped by origin."""
    found: dict[tuple[str, Span | None], Origin] = {}
    for member in members:
        origin = _origin(member, path, registry)
        if origin:
            place = origin.setting.span if origin.setting else None
            which = (json.dumps(origin.value), place)
            others = found[which].members if which in found else ()
            found[which] = replace(origin, members=(*others, member.name), out_of=len(members))
    return tuple(found.values())


def leaves(spec: Spec) -> list[str]:
    """All keys of single values in the resolved spec, in the form of ``why``."""
    return [dotted(path) for path in _leaves(resolved(spec), ())]


def dotted(path: Path) -> str:
    """A path in the form of ``--set``: ``visualizers.1.n``."""
    return ".".join(map(str, path))


def _origin(member: Member, path: Path, registry: Registry) -> Origin | None:
    assert member.spec
    try:
        value = _value(member.spec, path)
    except LookupError:
        return None
    data = resolved(member.spec)
    *below, last = _history(member.text, path)
    return Origin(
        dotted(path),
        value,
        last,
        tuple(setting for setting in below if setting),
        _field(path, data, registry),
        _component(path, data, registry),
        (member.name,),
        1,
    )


def _history(text: Text, path: Path) -> list[SettingOrigin | None]:
    """The value at the path after each file and argument, without repetitions.

    The last one is effective. None means not written, such as after replacing a component.
    """
    history: list[SettingOrigin | None] = []
    before: Node | None = None
    for root in text.states:
        node = _written(root, path)
        if node is not before or not history:
            history.append(SettingOrigin(node.data(), node.span) if node else None)
        before = node
    return history


def _written(root: Node, path: Path) -> Node | None:
    """The node at the path; ``use`` of a component's short form is the node itself."""
    node: Node | None = root
    for part in path:
        if node is None:
            return None
        short = part == "use" and isinstance(node.content, str)
        node = node if short else node.child(part)
    return node


def _value(spec: Spec, path: Path) -> Any:
    """The value at the path in the resolved spec. Raises LookupError if there is none."""
    data: Any = resolved(spec)
    value: Any = spec
    for part in path:
        has_use = isinstance(value, Component | ActivationFunction)
        value = _inner(value, part)
        if _contains(data, part):
            data = data[part]
        elif has_use and part == "use":  # the short form: a name alone
            continue
        elif value is None or isinstance(value, BaseModel | tuple):
            raise LookupError(part)
        else:  # a schedule omits its defaults
            data = value
    return data


def _contains(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _inner(value: Any, part: str | int) -> Any:
    """The part of a resolved value, or None."""
    if isinstance(value, BaseModel) and part in type(value).model_fields:
        return getattr(value, str(part))
    if isinstance(value, tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _leaves(data: Any, path: Path) -> Iterator[Path]:
    """The paths of single values: scalars, lists of scalars, and schedules."""
    inner: Sequence[tuple[str | int, Any]] = ()
    if isinstance(data, dict) and ("use" in data or not any(one in data for one in SHAPES)):
        inner = list(data.items())
    elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
        inner = list(enumerate(data))
    if not inner:
        yield path
    for part, value in inner:
        yield from _leaves(value, (*path, part))


def _field(path: Path, data: Any, registry: Registry) -> Field | None:
    """The field at the path, or the nearest one above."""
    for depth in range(len(path), 0, -1):
        place = place_at(path[:depth], data, registry)
        if place and place.field:
            model = model_at(path[: depth - 1], data, registry)
            assert model
            definition = _definition(model, _at(data, path[: depth - 1]), registry)
            description = place.field.description or _summary(place.model)
            item = place_at((*path[:depth], 0), data, registry)
            limits = _range(place) or (f"each {_range(item)}" if item and _range(item) else "")
            return Field(dotted(path[:depth]), description, limits, definition)
    return None


def _component(path: Path, data: Any, registry: Registry) -> FieldDefinition | None:
    """The class of the component at the path, if any."""
    path = path[:-1] if path[-1:] == ("use",) else path
    model = model_at(path, data, registry) if path else None
    if model is None or not issubclass(model, Component):
        return None
    return _definition(model, _at(data, path), registry)


def _definition(model: type[BaseModel], data: Any, registry: Registry) -> FieldDefinition:
    class_name = f"{model.__module__}.{model.__qualname__}"
    if issubclass(model, Component):
        use = data["use"] if isinstance(data, dict) else data
        try:
            plugin = registry.find(model.kind, use).plugin
            return FieldDefinition(
                f"the {model.kind} {use}", plugin.name, plugin.version, class_name
            )
        except PluginError:  # cannot happen: reading the spec found it
            pass
    return FieldDefinition("the spec's schema", "vaezoo", metadata.version("vaezoo"), class_name)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _summary(model: type[BaseModel] | None) -> str:
    return (model.__doc__ or "").strip().split("\n")[0] if model else ""


def _range(place: SchemaPlace) -> str:
    return " and ".join(place.bounds) or ", ".join(map(str, place.choices))


def _parsed(key: str) -> Path:
    """Parse ``visualizers.1.n`` or ``visualizers[1].n``."""
    parts = key.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


def _unknown(key: str, path: Path, members: Sequence[Member]) -> Diagnostic:
    """The finding for a key that no member has, with the nearest existing key."""
    known: dict[str, None] = {}
    siblings: dict[str, None] = {}
    for member in members:
        assert member.spec
        data = resolved(member.spec)
        paths = list(_all_paths(data, ()))
        known |= dict.fromkeys(map(dotted, paths))
        deepest = max((p for p in paths if path[: len(p)] == p), key=len, default=())
        siblings |= dict.fromkeys(dotted(p) for p in paths if p[:-1] == deepest)
    ending = [name for name in known if f".{name}".endswith(f".{dotted(path)}")]
    close = ending[0] if ending else nearest(key, known) or _similar_end(path, known)
    listed = list(siblings)[:_MAX_KEYS]
    more = ", …" if len(siblings) > _MAX_KEYS else ""
    options = f"keys: {', '.join(listed)}{more}" if listed else "its parent is a single value"
    hint = f"did you mean {close!r}? {options}" if close else options
    return Diagnostic("VZ504", f"the spec has no key {key!r}", hint=hint)


def _similar_end(path: Path, known: dict[str, None]) -> str | None:
    """A key whose last word resembles that of the path."""
    by_last = {name.rpartition(".")[2]: name for name in reversed(known)}
    close = nearest(str(path[-1]), by_last) if path else None
    return by_last[close] if close else None


def _all_paths(data: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    inner: Sequence[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        inner = list(data.items())
    elif isinstance(data, list):
        inner = list(enumerate(data))
    for part, value in inner:
        yield from _all_paths(value, (*path, part))
