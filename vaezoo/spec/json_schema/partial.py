"""The schema of a spec with a base, which may supply any key.

Only mappings merge. A value that replaces the base's must be complete: lists with their items,
and schedules.
"""

from __future__ import annotations

from collections.abc import Mapping

from vaezoo.spec.json_schema.component_union import Union
from vaezoo.spec.json_schema.generate import SCHEDULE, Schema, reference, referred


class Partial:
    """Adds the partial form of definitions where it differs from the complete form."""

    def __init__(self, definitions: dict[str, Schema], unions: Mapping[str, Union]) -> None:
        """``unions`` holds the definitions that are unions."""
        self._definitions = definitions
        self._unions = unions
        self._names: dict[str, str] = {}

    def name(self, complete: str) -> str:
        """The name of a definition's partial form."""
        if complete not in self._names:
            self._names[complete] = f"partial.{complete}"  # a definition may refer to itself
            relaxed = self._relaxed_definition(complete)
            if relaxed == self._definitions[complete]:
                self._names[complete] = complete
            else:
                self._definitions[self._names[complete]] = relaxed
        return self._names[complete]

    def _relaxed_definition(self, complete: str) -> Schema:
        union = self._unions.get(complete)
        if union is None:
            return self._relaxed(self._definitions[complete])
        names = {member.definition: self.name(member.definition) for member in union.members}
        return union.partial({old: (new, self._definitions[new]) for old, new in names.items()})

    def _relaxed(self, schema: Schema) -> Schema:
        relaxed = {key: v for key, v in schema.items() if key not in ("required", "oneOf")}
        if "$ref" in schema:
            relaxed |= self._relaxed_reference(referred(schema))
        if "anyOf" in schema:
            relaxed["anyOf"] = [self._relaxed(option) for option in schema["anyOf"]]
        if "then" in schema:
            relaxed["then"] = self._relaxed(schema["then"])
        if "properties" in schema:
            relaxed["properties"] = {
                name: self._relaxed(value) for name, value in schema["properties"].items()
            }
        return relaxed

    def _relaxed_reference(self, name: str) -> Schema:
        is_schedule = self._definitions[name].get("title") == SCHEDULE
        return reference(name if is_schedule else self.name(name))
