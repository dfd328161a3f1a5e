"""Generate an example of a component in a spec, with every parameter."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from vaezoo.registry import Registered, Registry
from vaezoo.registry.catalogue.spec_keys import placed
from vaezoo.registry.fields.tagged import parse
from vaezoo.system.yaml_writer import to_yaml


def example(registered: Registered, name: str, registry: Registry) -> str | None:
    """Valid YAML for a spec that uses the component under ``name``.

    A parameter without a default takes the first of its field's ``examples``, else the simplest
    value of its type. None if no valid value is found.
    """
    component = registered.component
    required = {n: f for n, f in component.model_fields.items() if f.is_required()}
    values = {field: _simplest(info) for field, info in required.items()}
    try:
        made = parse(component, values, {"registry": registry}).as_written(name)
        return to_yaml(placed(component.kind, made.to_spec()))
    except (ValidationError, TypeError, ValueError):
        return None


def _simplest(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    try:
        schema = TypeAdapter(field.rebuild_annotation()).json_schema()
    except Exception:  # a plugin's type may raise anything
        return None
    return _of_schema(schema)


def _of_schema(schema: dict[str, Any]) -> Any:
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return _of_schema(schema["anyOf"][0])
    match schema.get("type"):
        case "boolean":
            return True
        case "integer":
            low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            return min(max(1, low), schema.get("maximum", max(1, low)))
        case "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum", 0.0))
            high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1.0))
            return (low + high) / 2
        case "array":
            fixed = schema.get("prefixItems")
            items = fixed or [schema.get("items", {})] * max(1, schema.get("minItems", 1))
            return [_of_schema(item) for item in items]
        case "string":
            return "text"
    return None
