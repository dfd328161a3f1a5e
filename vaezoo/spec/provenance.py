"""``why``: which file, argument or default a value of a spec comes from, and who defines it."""

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

_MOST_SHOWN = 12


@dataclass(frozen=True)
class SettingOrigin:
    """A value as it was written somewhere, as JSON data, and where."""

    value: Any
    span: Span


@dataclass(frozen=True)
class FieldDefinition:
    """A class of a plugin: what defines a field, or the component that stands in a place."""

    what: str
    plugin: str
    version: str
    class_name: str


@dataclass(frozen=True)
class Field:
    """What may stand in a place: its meaning and range, and who says so."""

    path: str
    description: str
    range: str
    definition: FieldDefinition


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    ``value`` is the one that counts, as JSON data. ``setting`` is where it was written; None
    for a default. ``overrode`` are the values that were written for the same place below it,
    the lowest first. ``component`` is the class that a component's name stands for. ``parts``
    are the origins of the single values of a section. ``members`` have it so, ``out_of`` all
    those of the matrix.
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
    """Where the value at ``key`` comes from, once for each way in which members differ in it.

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
    """The paths of the single values at or below a path; none where the member has no such."""
    assert member.spec
    try:
        return list(_leaves(_value(member.spec, path), path))
    except LookupError:
        return []


def _grouped(members: Sequence[Member], path: Path, registry: Registry) -> tuple[Origin, ...]:
    """The origins of one value, members that have it alike together."""
    found: dict[tuple[str, Span | None], Origin] = {}
    for member in members:
        origin = _origin(member, path, registry)
        if origin:
            place = origin.setting.span if origin.setting else None
            which = (json.dumps(origin.value), place)
            former = found[which].members if which in found else ()
            found[which] = replace(origin, members=(*former, member.name), out_of=len(members))
    return tuple(found.values())


def leaves(spec: Spec) -> list[str]:
    """Every key that holds a single value in the resolved spec, as ``why`` takes it."""
    return [dotted(path) for path in _leaves(resolved(spec), ())]


def dotted(path: Path) -> str:
    """A path as ``--set`` takes it: ``visualizers.1.n``."""
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
    """What stands at the path after each file and argument, repetitions left out.

    The last is what counts; None stands for nothing written, as when a component was replaced.
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
    """The node at the path; of a component in its short form, the word is its ``use``."""
    node: Node | None = root
    for part in path:
        if node is None:
            return None
        short = part == "use" and isinstance(node.content, str)
        node = node if short else node.child(part)
    return node


def _value(spec: Spec, path: Path) -> Any:
    """The value at the path in the resolved spec. Raises LookupError where it has none."""
    data: Any = resolved(spec)
    made: Any = spec
    for part in path:
        named = isinstance(made, Component | ActivationFunction)
        made = _inner(made, part)
        if _holds(data, part):
            data = data[part]
        elif named and part == "use":  # written as a name alone
            continue
        elif made is None or isinstance(made, BaseModel | tuple):
            raise LookupError(part)
        else:  # a schedule leaves its defaults out
            data = made
    return data


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _inner(value: Any, part: str | int) -> Any:
    """A part of a resolved value; None where there is none."""
    if isinstance(value, BaseModel) and part in type(value).model_fields:
        return getattr(value, str(part))
    if isinstance(value, tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _leaves(data: Any, path: Path) -> Iterator[Path]:
    """The paths of single values: texts, numbers, lists of them, and schedules."""
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
    """The field that the path names, or the one that holds it."""
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
    """The component whose name stands at the path, if one does."""
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
        except PluginError:  # it was found when the spec was read
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
    """``visualizers.1.n`` or ``visualizers[1].n`` as a path."""
    parts = key.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts if part)


def _unknown(key: str, path: Path, members: Sequence[Member]) -> Diagnostic:
    """The finding about a key that no member has, with the nearest that there is."""
    known: dict[str, None] = {}
    here: dict[str, None] = {}
    for member in members:
        assert member.spec
        data = resolved(member.spec)
        several = list(_all_paths(data, ()))
        known |= dict.fromkeys(map(dotted, several))
        deepest = max((p for p in several if path[: len(p)] == p), key=len, default=())
        here |= dict.fromkeys(dotted(p) for p in several if p[:-1] == deepest)
    ending = [name for name in known if f".{name}".endswith(f".{dotted(path)}")]
    close = ending[0] if ending else nearest(key, known) or _alike(path, known)
    listed = list(here)[:_MOST_SHOWN]
    more = ", …" if len(here) > _MOST_SHOWN else ""
    there_is = f"keys there: {', '.join(listed)}{more}" if listed else "it is a single value"
    hint = f"did you mean {close!r}? {there_is}" if close else there_is
    return Diagnostic("VZ504", f"this spec has no {key!r}", hint=hint)


def _alike(path: Path, known: dict[str, None]) -> str | None:
    """A key whose last word is like the last word of the path."""
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
