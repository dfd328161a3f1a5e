"""pydantic's JSON Schemas of our models, in a form that suits editors.

pydantic cannot describe the functions that validate a component, an activation or a schedule, so
their schemas are defined here. A plugin describes its own with ``json_schema_input_type``.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from vaezoo.registry.component_field import Resolve
from vaezoo.registry.fields.activation import read_activation
from vaezoo.registry.fields.schedule import SHAPES, BoundedBelow, Schedule
from vaezoo.registry.fields.short_form import ShortForm
from vaezoo.spec.integer_limits import LARGEST

#: The path of definitions in the finished schema.
DEFINITIONS = "#/$defs/"
#: The title of every definition of a schedule.
SCHEDULE = "schedule"
#: References that pydantic leaves unchanged, as to another document.
_EXTERNAL = "https://definitions.invalid/"

Schema = dict[str, Any]


def generate(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a model, and the definitions that it refers to by name.

    Raises what pydantic raises for a field that it cannot describe.
    """
    generator = _Generator()
    model.model_rebuild()
    generated = _tidied(generator.generate(model.__pydantic_core_schema__))
    nested = generated.pop("$defs", {})
    schedules = {_schedule_name(bounds): _schedule(bounds) for bounds in generator.bounds}
    return generated, {**nested, **schedules}


def prose(documented: Any) -> str:
    """A docstring without indentation and double backquotes; empty if there is none."""
    return inspect.cleandoc(vars(documented).get("__doc__") or "").replace("``", "`")


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": DEFINITIONS + name}


def referred(schema: Schema) -> str:
    """The name of the definition that a reference is to."""
    return str(schema["$ref"]).removeprefix(DEFINITIONS)


def union_name(kind: str) -> str:
    """The name of the definition of all components of a kind."""
    return f"any.{kind}"


def _schedule_name(bounds: BoundedBelow) -> str:
    relation, limit = bounds.bound
    return f"schedule.{'from' if relation == 'ge' else 'above'}_{limit:g}"


def _schedule(bounds: BoundedBelow | None) -> Schema:
    """The schema of a schedule."""
    generated = _tidied(Schedule.model_json_schema())
    properties = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in generated["properties"].items()
    }
    for shape in SHAPES:
        least = {"exclusiveMinimum": 0.0} if shape == "exponential" else _least(bounds)
        properties[shape] = {
            "description": properties[shape]["description"],
            "type": "array",
            "items": {"type": "number", **least},
            "minItems": 2,
            "maxItems": 100 if shape == "steps" else 2,
        }
    return {
        "title": SCHEDULE,
        "type": "object",
        "description": generated["description"],
        "properties": properties,
        "required": generated["required"],
        "oneOf": [{"required": [shape]} for shape in SHAPES],
        "additionalProperties": False,
    }


def _least(bounds: BoundedBelow | None) -> Schema:
    if bounds is None:
        return {}
    relation, limit = bounds.bound
    return {"minimum" if relation == "ge" else "exclusiveMinimum": limit}


def _short_form(form: ShortForm) -> Schema:
    """The schema of null, a mapping, or the value of its main key."""
    mapping = _tidied(form.model.model_json_schema())
    main = {key: v for key, v in mapping["properties"][form.main].items() if key in _CONSTRAINTS}
    types = [main.pop("type")] if isinstance(main["type"], str) else main.pop("type")
    return {
        **main,
        "type": [*types[:1], "object", "null"],
        "if": {"type": "object"},
        "then": mapping,
    }


#: The keywords of a main key that hold for its short form too.
_CONSTRAINTS = frozenset(
    {"type", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "minLength"}
)


class _Generator(GenerateJsonSchema):
    """Describes the functions of vaezoo's own fields."""

    #: omit a default that is not JSON, without a warning
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bounds: list[BoundedBelow] = []

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        function = schema["function"]["function"]
        if isinstance(function, Resolve):
            return _external(union_name(function.kind))
        if function is read_activation:
            return _external(union_name("activation"))
        if isinstance(function, ShortForm):
            return _short_form(function)
        return super().function_plain_schema(schema)

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        function = schema["function"]["function"]
        if isinstance(function, BoundedBelow):
            self.bounds.append(function)
            return {
                "type": ["number", "object"],
                **_least(function),
                "if": {"type": "object"},
                "then": _external(_schedule_name(function)),
            }
        return super().function_before_schema(schema)

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        is_schedule = schema["cls"] is Schedule
        return _schedule(None) if is_schedule else super().model_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _external(name: str) -> Schema:
    return {"$ref": _EXTERNAL + name}


def _tidied(schema: Any) -> Any:
    """The schema without class names and in its simplest form."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied_member(key, value) for key, value in schema.items()}
    if "properties" in tidied and "title" in tidied:
        tidied["title"] = _words(tidied["title"])
    if tidied.get("default", ...) is None:
        del tidied["default"]  # null means a missing key; editors should not offer it
    if "const" in tidied:
        tidied.pop("type", None)  # it would give a second error for the same value
    if isinstance(tidied.get("$ref"), str):
        tidied["$ref"] = tidied["$ref"].replace(_EXTERNAL, DEFINITIONS)
    if isinstance(tidied.get("description"), str):
        tidied["description"] = tidied["description"].replace("``", "`")
    return _one_type(_one_item(_bounded(tidied)))


def _bounded(schema: Schema) -> Schema:
    """An integer with the limits of 64 bits unless it has narrower ones."""
    if schema.get("type") != "integer":
        return schema
    ends: Schema = {}
    if schema.keys().isdisjoint(("minimum", "exclusiveMinimum")):
        ends["minimum"] = -LARGEST
    if schema.keys().isdisjoint(("maximum", "exclusiveMaximum")):
        ends["maximum"] = LARGEST
    return {**schema, **ends}


def _tidied_member(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):  # their keys are names, not keywords
        return {name: _tidied(schema) for name, schema in value.items()}
    return value if key in ("default", "enum", "const", "examples") else _tidied(value)


def _words(class_name: str) -> str:
    """``EarlyStopping`` as ``early stopping``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", class_name).lower().removesuffix(" spec")


def _one_item(schema: Schema) -> Schema:
    """A tuple of equal items as ``items``, which every draft of JSON Schema supports."""
    items = schema.get("prefixItems")
    if not items or any(item != items[0] for item in items):
        return schema
    return {**{k: v for k, v in schema.items() if k != "prefixItems"}, "items": items[0]}


def _one_type(schema: Schema) -> Schema:
    """``X or null`` as one schema, so that a wrong value gives one error instead of two."""
    options = schema.get("anyOf", [])
    if len(options) != 2 or options[1] != {"type": "null"}:
        return schema
    first = options[0]
    if not isinstance(first.get("type"), str) or "const" in first:
        return schema
    merged = {**first, "type": [first["type"], "null"]}
    if "enum" in merged:
        merged["enum"] = [*merged["enum"], None]
    return {**{k: v for k, v in schema.items() if k != "anyOf"}, **merged}
