"""Describe a pydantic field for users: its type and its range."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, WithJsonSchema
from pydantic.fields import FieldInfo

from vaezoo.registry import Component
from vaezoo.registry.fields.activation import ACTIVATIONS, ActivationFunction
from vaezoo.registry.fields.number_bounds import named_bound
from vaezoo.registry.fields.schedule import BoundedBelow

_TYPES = {
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
    "object": "mapping",
    "array": "list",
}

_COUNTS = {
    "minLength": ("at least", "character"),
    "maxLength": ("at most", "character"),
    "minItems": ("at least", "item"),
    "maxItems": ("at most", "item"),
}


@dataclass(frozen=True)
class FieldText:
    """The type of a value and its range, which may be empty."""

    type: str
    range: str = ""


def field_words(field: FieldInfo) -> FieldText:
    """The type and range of a field of any type."""
    return words(field.annotation, tuple(field.metadata))


def words(annotation: Any, metadata: tuple[Any, ...] = ()) -> FieldText:
    """The type and range of ``annotation`` with the constraints in ``metadata``.

    Types other than vaezoo's own are described by their JSON Schema.
    """
    inner, *own = typing.get_args(annotation) if _is_annotated(annotation) else (annotation,)
    metadata = (*own, *metadata)
    options = [option for option in _options(inner) if option is not type(None)]
    optional = " or null" if len(options) < len(_options(inner)) else ""
    for marker in metadata:
        if isinstance(marker, BeforeValidator) and isinstance(marker.func, BoundedBelow):
            return FieldText(f"number or schedule{optional}", marker.func.bound.symbols)
        if isinstance(marker, WithJsonSchema) and marker.json_schema is not None:
            return _schema_words(marker.json_schema, {})
    if len(options) == 1 and isinstance(options[0], type):
        if issubclass(options[0], ActivationFunction):
            return FieldText(f"activation{optional}", ", ".join(ACTIVATIONS))
        if issubclass(options[0], Component):
            return FieldText(f"{options[0].kind or 'component'}{optional}")
    try:
        schema = TypeAdapter(Annotated[inner, *metadata] if metadata else inner).json_schema()
    except Exception:  # a plugin's type may raise anything
        return FieldText("value")
    return _schema_words(schema, schema.get("$defs", {}))


def _is_annotated(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Annotated


def _options(annotation: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _schema_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> FieldText:
    if "$ref" in schema:
        return _schema_words(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            several = [_schema_words(option, definitions) for option in schema[key]]
            kinds = dict.fromkeys(one.type for one in several)
            ranges = dict.fromkeys(one.range for one in several if one.range)
            return FieldText(" or ".join(kinds), "; ".join(ranges))
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if choices:
        return FieldText(_choice(choices), ", ".join(map(str, choices)))
    if schema.get("type") == "array":
        return _list(schema, definitions)
    return FieldText(_TYPES.get(schema.get("type", ""), "value"), _range(schema))


def _choice(choices: list[Any]) -> str:
    if all(isinstance(choice, str) for choice in choices):
        return "word"
    return "number" if all(isinstance(c, int | float) for c in choices) else "value"


def _list(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> FieldText:
    fixed = schema.get("prefixItems")
    item = _schema_words(fixed[0] if fixed else schema.get("items") or {}, definitions)
    count = f"{len(fixed)} " if fixed else ""
    plural = item.type if " or " in item.type else f"{item.type}s"
    ranges = [f"each {item.range}" if item.range else "", "" if fixed else _range(schema)]
    return FieldText(f"list of {count}{plural}", "; ".join(filter(None, ranges)))


def _range(schema: Mapping[str, Any]) -> str:
    bounds = (named_bound(key, value) for key, value in schema.items())
    found = [bound.symbols for bound in bounds if bound]
    if "multipleOf" in schema:
        found.append(f"a multiple of {schema['multipleOf']:g}")
    for key, (relation, noun) in _COUNTS.items():
        if schema.get(key):
            found.append(f"{relation} {schema[key]} {noun}{'s' if schema[key] != 1 else ''}")
    if "pattern" in schema:
        found.append(f"matching {schema['pattern']}")
    return ", ".join(found)
