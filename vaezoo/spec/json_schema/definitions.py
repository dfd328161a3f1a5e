"""The definitions of a schema under unique names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from vaezoo.spec.json_schema.generate import DEFINITIONS, Schema


class Definitions(dict[str, Schema]):
    """Definitions by name."""

    def add(self, wanted: str, schema: Schema) -> str:
        """Add a definition and return its name: ``wanted`` if it is free."""
        wanted = re.sub(r"[^\w.-]", "_", wanted, flags=re.ASCII)  # it becomes part of a URI
        numbered = (f"{wanted}.{number}" for number in itertools.count(2))
        name = next(name for name in itertools.chain((wanted,), numbered) if name not in self)
        self[name] = schema
        return name

    def share(self, schema: Schema, nested: Mapping[str, Schema]) -> Schema:
        """Add the definitions that ``schema`` refers to; return it with their final names.

        Two plugins may have different models of one name: rename them if they conflict.
        """
        if all(self.get(name, of) == of for name, of in nested.items()):
            self.update(nested)
            return schema
        names = {name: self.add(name, of) for name, of in nested.items()}
        for name in names.values():
            self[name] = _renamed(self[name], names)
        result: Schema = _renamed(schema, names)
        return result


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: _renamed(value, names) for key, value in schema.items()}
    target = copy.get("$ref")
    if isinstance(target, str):
        name = target.removeprefix(DEFINITIONS)
        copy["$ref"] = DEFINITIONS + names.get(name, name)
    return copy
