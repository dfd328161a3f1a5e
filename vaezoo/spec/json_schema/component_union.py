"""The components of one kind as a union discriminated by ``use``, complete and partial.

A validator checks ``use`` first and then only that member, so it reports a mistake once and
editors offer the parameters of the named component.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vaezoo.spec.json_schema.generate import Schema, reference


@dataclass(frozen=True)
class UnionMember:
    """One component: its names in a spec, and its definition."""

    names: tuple[str, ...]
    definition: str
    schema: Schema
    summary: str

    @property
    def is_optional(self) -> bool:
        """Whether its name alone is valid: it has no required parameter."""
        return not self.schema.get("required")

    @property
    def is_open(self) -> bool:
        """Whether it may have any parameters."""
        return self.schema.get("additionalProperties") is not False


@dataclass(frozen=True)
class Union:
    """All components of one kind, or all activations."""

    kind: str
    members: tuple[UnionMember, ...]

    def complete(self) -> Schema:
        """A name, or a mapping with ``use`` and the component's parameters."""
        by_name = [_chosen(member, member.definition) for member in self.members]
        return self._schema({"required": ["use"], "allOf": by_name})

    def partial(self, definitions: dict[str, tuple[str, Schema]]) -> Schema:
        """The same for a spec with a base, which may supply ``use`` and any parameter.

        ``definitions`` maps each member's definition to the name and schema of its partial form.
        """
        by_name = [_chosen(member, definitions[member.definition][0]) for member in self.members]
        unnamed = {
            "if": {"type": "object", "not": {"required": ["use"]}},
            "then": {
                "properties": parameters(schema for _, schema in definitions.values()),
                "additionalProperties": self.is_open,
            },
        }
        return self._schema({"allOf": [*by_name, unnamed]})

    @property
    def is_open(self) -> bool:
        """Whether one of the members may take any parameter."""
        return any(member.is_open for member in self.members)

    def _schema(self, mapping: Schema) -> Schema:
        alone = [member for member in self.members if member.is_optional]
        return {
            "title": self.kind,
            "type": ["string", "object"],
            "examples": [member.names[0] for member in alone],  # what editors offer
            "if": {"type": "string"},
            "then": names(alone),
            "else": {"properties": {"use": names(self.members)}, **mapping},
        }


def names(members: Sequence[UnionMember]) -> Schema:
    """The schema of ``use``."""
    named = [(name, member.summary) for member in members for name in member.names]
    named.sort(key=lambda pair: ":" in pair[0])  # short names before plugin:name
    return {
        "enum": [name for name, _ in named],
        "enumDescriptions": [summary for _, summary in named],
    }


def parameters(schemas: Iterable[Schema]) -> dict[str, Schema]:
    """The parameters of several components, each with all its schemas."""
    found: dict[str, list[Schema]] = {}
    for schema in schemas:
        for name, parameter in schema["properties"].items():
            several = found.setdefault(name, [])
            if parameter not in several:
                several.append(parameter)
    found.pop("use", None)
    return {
        name: several[0] if len(several) == 1 else {"anyOf": several}
        for name, several in found.items()
    }


def _chosen(member: UnionMember, definition: str) -> Schema:
    named = {"properties": {"use": {"enum": list(member.names)}}, "required": ["use"]}
    return {"if": {"type": "object", **named}, "then": reference(definition)}
