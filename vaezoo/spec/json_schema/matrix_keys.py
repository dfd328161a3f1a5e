"""``matrix`` in the schema: every key that it may vary, with the schema of its values.

Keys that reach into a list or into a component's parameter accept any value; ``validate`` checks
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vaezoo.spec.json_schema.component_union import Union, names, parameters
from vaezoo.spec.json_schema.generate import Schema, referred
from vaezoo.spec.matrix import FIXED

_SCALARS = {"string", "number", "integer", "boolean", "null"}


@dataclass(frozen=True)
class _Key:
    """A dotted key and its schema; ``is_open`` if it may be the prefix of longer keys."""

    path: str
    schema: Schema
    is_open: bool


class MatrixSchema:
    """The keys of a spec by dotted path."""

    def __init__(
        self, spec: Schema, definitions: Mapping[str, Schema], unions: Mapping[str, Union]
    ) -> None:
        self._spec = spec
        self._definitions = definitions
        self._unions = unions

    def schema(self) -> Schema:
        """The schema of ``matrix``."""
        keys = list(self._keys(self._spec, ""))
        open_keys = "|".join(re.escape(key.path) for key in keys if key.is_open)
        return {
            "description": "dotted keys, each with a list of values; every combination of values "
            "is one spec",
            "type": ["object", "null"],
            "minProperties": 1,
            "properties": {key.path: _axis(key.schema) for key in keys},
            "patternProperties": {rf"^({open_keys})(\.[^.]+)+$": _axis({})},
            "additionalProperties": False,
        }

    def required(self) -> list[str]:
        """The required keys that a spec may leave to its matrix."""
        return sorted(set(self._required(self._spec, "")))

    def _keys(self, schema: Schema, prefix: str) -> Iterator[_Key]:
        for name, of in schema["properties"].items():
            path = prefix + name
            if path in FIXED:
                continue
            of = {key: value for key, value in of.items() if key != "default"}
            union, section = self._union(of), self._section(of)
            if union:
                yield from _keys_of_union(path, of, union)
            elif section:
                yield _Key(path, of, is_open=False)
                yield from self._keys(section, f"{path}.")
            else:
                yield _Key(path, of, is_open=not _is_scalar(of))

    def _required(self, schema: Schema, prefix: str) -> Iterator[str]:
        for name in schema.get("required", ()):
            if prefix + name not in FIXED:
                yield prefix + name
        for name, of in schema["properties"].items():
            path = prefix + name
            union, section = self._union(of), self._section(of)
            if union:
                yield f"{path}.use"
                for member in union.members:
                    yield from (f"{path}.{key}" for key in member.schema.get("required", ()))
            elif section:
                yield from self._required(section, f"{path}.")

    def _union(self, schema: Schema) -> Union | None:
        return self._unions.get(referred(schema)) if "$ref" in schema else None

    def _section(self, schema: Schema) -> Schema | None:
        """The schema of a section, including one that may be null; else None."""
        options = [schema, *schema.get("anyOf", ())]
        found = [self._definitions[referred(option)] for option in options if "$ref" in option]
        return next((section for section in found if "properties" in section), None)


def _keys_of_union(path: str, of: Schema, union: Union) -> Iterator[_Key]:
    yield _Key(path, of, is_open=union.is_open)
    yield _Key(f"{path}.use", names(union.members), is_open=False)
    for key, parameter in parameters(member.schema for member in union.members).items():
        yield _Key(f"{path}.{key}", parameter, is_open=not _is_scalar(parameter))


def _is_scalar(schema: Schema) -> bool:
    if "anyOf" in schema:
        return all(_is_scalar(option) for option in schema["anyOf"])
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    return types <= _SCALARS if types else "enum" in schema or "const" in schema


def _axis(of: Schema) -> Schema:
    listed: Schema = {"type": "array", "items": of, "minItems": 1, "uniqueItems": True}
    return {"description": of["description"], **listed} if "description" in of else listed
