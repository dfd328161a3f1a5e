"""The whole schema: a complete spec, or one that extends a base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.registry import KINDS, Registered, Registry, discover
from vaezoo.registry.fields.activation import ACTIVATIONS
from vaezoo.spec.json_schema.component_union import Union, UnionMember
from vaezoo.spec.json_schema.definitions import Definitions
from vaezoo.spec.json_schema.generate import (
    Schema,
    generate,
    prose,
    reference,
    referred,
    union_name,
)
from vaezoo.spec.json_schema.matrix_keys import MatrixSchema
from vaezoo.spec.json_schema.partial import Partial
from vaezoo.spec.spec import Spec
from vaezoo.system.files import Content, check_output, write_output

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "vaezoo spec"
_CONTENT = Content(
    "a JSON Schema of vaezoo",
    lambda path, head: b'"$schema"' in head and f'"title": "{TITLE}"'.encode() in head,
)
_EXTENDS: Schema = {
    "description": "path of a base spec, relative to this file, or a list of paths, in which "
    "later specs override earlier ones",
    "type": ["string", "array"],
    "minLength": 1,
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
}


def schema(registry: Registry | None = None) -> Schema:
    """The JSON Schema (draft 2020-12) of a spec file, every plugin's components included.

    >>> vaezoo.schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'

    It covers what ``vaezoo validate`` checks in one file: names, types, ranges and required
    keys, but not shapes, contradictions, bases or the settings in ``train.groups``. A component
    whose fields pydantic cannot describe may have any parameters.
    """
    return _FileSchema(registry or discover()).schema()


def write_schema(
    path: str | Path, registry: Registry | None = None, *, force: bool = False
) -> None:
    """Write the schema to a file, replacing an earlier schema.

    Replaces any other file only with ``force``. Raises ZooError (VZ503) if writing fails.
    """
    try:
        check_output(Path(path), None if force else _CONTENT)
        write_output(Path(path), as_json(schema(registry)))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"cannot write the schema to {path}: {reason}",
                hint="choose another file with --output, in a folder that you can write to",
            )
        ) from None


def as_json(schema: Schema) -> bytes:
    """The schema as indented JSON."""
    return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()


class _FileSchema:
    """Builds the schema and its definitions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._definitions = Definitions()

    def schema(self) -> Schema:
        unions = {union_name(union.kind): union for union in self._unions()}
        self._definitions |= {name: union.complete() for name, union in unions.items()}
        spec = self._definitions.share(*generate(Spec))
        grid = MatrixSchema(spec, self._definitions, unions)
        self._definitions["matrix"] = grid.schema()
        own = {"extends": _EXTENDS, "matrix": reference("matrix")}
        spec |= {"title": TITLE, "properties": {**spec["properties"], **own}}
        self._definitions["Spec"] = spec
        return {
            "$schema": DIALECT,
            "title": TITLE,
            "description": prose(Spec),
            "if": _is_partial(grid.required()),
            "then": reference(Partial(self._definitions, unions).name("Spec")),
            "else": reference("Spec"),
            "$defs": dict(sorted(self._definitions.items())),
        }

    def _unions(self) -> list[Union]:
        by_kind = [Union(kind, tuple(self._components(kind))) for kind in KINDS]
        return [Union("activation", tuple(self._activations())), *by_kind]

    def _activations(self) -> list[UnionMember]:
        return [
            self._member("activation", (name,), function) for name, function in ACTIVATIONS.items()
        ]

    def _components(self, kind: str) -> list[UnionMember]:
        found = self._registry.components(kind)
        uses = [registered.component.use for registered in found]
        return [self._component(one, uses) for one in found if not one.problem]

    def _component(self, registered: Registered, uses: list[str]) -> UnionMember:
        """A member; a name that several plugins share is valid only as ``plugin:name``."""
        use = registered.component.use
        short = (use,) if uses.count(use) == 1 else ()
        return self._member(
            registered.component.kind, (*short, registered.qualified), registered.component
        )

    def _member(self, kind: str, names: tuple[str, ...], model: type[BaseModel]) -> UnionMember:
        text = prose(model)
        own = self._described(model)
        properties: dict[str, Any] = {
            "use": {"description": text, "enum": list(names)},
            **own.get("properties", {}),
        }
        definition = {
            **own,
            "title": f"{kind} {names[-1]}",
            "type": "object",
            "properties": properties,
        }
        name = self._definitions.add(f"{kind}.{names[0]}", definition)
        return UnionMember(names, name, definition, text.partition("\n")[0])

    def _described(self, model: type[BaseModel]) -> Schema:
        try:
            own = self._definitions.share(*generate(model))
        except Exception:  # a plugin's fault must not abort the schema
            return {}
        return self._definitions[referred(own)] if "$ref" in own else own


def _is_partial(required: list[str]) -> Schema:
    """Matches a file that may leave required keys to its bases or its matrix."""
    by_matrix = {"type": "object", "anyOf": [{"required": [path]} for path in required]}
    return {
        "type": "object",
        "anyOf": [
            {"required": ["extends"]},
            {"required": ["matrix"], "properties": {"matrix": by_matrix}},
        ],
    }
