"""pydantic's JSON Schemas of our models, in the form that editors make most of.

pydantic sees only that a function reads a component, an activation or a schedulable number;
here is what those functions let through. A plugin's own functions say it themselves, with
pydantic's ``json_schema_input_type``.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from vaezoo.registry.component_field import Resolve
from vaezoo.registry.fields.activation import read_activation
from vaezoo.registry.fields.schedule import SHAPES, Bounds, Schedule
from vaezoo.spec.integer_limits import LARGEST

#: Where definitions stand in the finished schema.
DEFINITIONS = "#/$defs/"
#: The title of every definition of a schedule.
SCHEDULE = "schedule"
#: What pydantic takes for another document's and leaves alone.
_ELSEWHERE = "https://definitions.invalid/"

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
    """A docstring as people read it; empty where there is none."""
    return inspect.cleandoc(vars(documented).get("__doc__") or "").replace("``", "`")


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": DEFINITIONS + name}


def referred(schema: Schema) -> str:
    """The name of the definition that a reference is to."""
    return str(schema["$ref"]).removeprefix(DEFINITIONS)


def union_name(kind: str) -> str:
    """The definition of all that may stand where a component of a kind belongs."""
    return f"any.{kind}"


def _schedule_name(bounds: Bounds) -> str:
    return f"schedule.{'from' if bounds.inclusive else 'above'}_{bounds.minimum:g}"


def _schedule(bounds: Bounds | None) -> Schema:
    """The mapping form of a schedulable number."""
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


def _least(bounds: Bounds | None) -> Schema:
    if bounds is None:
        return {}
    return {"minimum" if bounds.inclusive else "exclusiveMinimum": bounds.minimum}


class _Generator(GenerateJsonSchema):
    """Knows the functions of our own fields."""

    #: a default that is no JSON is left out; nobody needs to hear of it
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bounds: list[Bounds] = []

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        function = schema["function"]["function"]
        if isinstance(function, Resolve):
            return _elsewhere(union_name(function.kind))
        if function is read_activation:
            return _elsewhere(union_name("activation"))
        return super().function_plain_schema(schema)

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        function = schema["function"]["function"]
        if isinstance(function, Bounds):
            self.bounds.append(function)
            return {
                "type": ["number", "object"],
                **_least(function),
                "if": {"type": "object"},
                "then": _elsewhere(_schedule_name(function)),
            }
        return super().function_before_schema(schema)

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        is_schedule = schema["cls"] is Schedule
        return _schedule(None) if is_schedule else super().model_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _elsewhere(name: str) -> Schema:
    return {"$ref": _ELSEWHERE + name}


def _tidied(schema: Any) -> Any:
    """The schema without class names, and with one clear form where pydantic has a roundabout."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied_member(key, value) for key, value in schema.items()}
    if "properties" in tidied and "title" in tidied:
        tidied["title"] = _words(tidied["title"])
    if tidied.get("default", ...) is None:
        del tidied["default"]  # means that the key is left out, and is not what to offer
    if "const" in tidied:
        tidied.pop("type", None)  # would only be a second error for one value
    if isinstance(tidied.get("$ref"), str):
        tidied["$ref"] = tidied["$ref"].replace(_ELSEWHERE, DEFINITIONS)
    if isinstance(tidied.get("description"), str):
        tidied["description"] = tidied["description"].replace("``", "`")
    return _one_type(_one_item(_bounded(tidied)))


def _bounded(schema: Schema) -> Schema:
    """An integer has the ends that every integer in a spec has, where it has no nearer ones."""
    if schema.get("type") != "integer":
        return schema
    ends: Schema = {}
    if schema.keys().isdisjoint(("minimum", "exclusiveMinimum")):
        ends["minimum"] = -LARGEST
    if schema.keys().isdisjoint(("maximum", "exclusiveMaximum")):
        ends["maximum"] = LARGEST
    return {**schema, **ends}


def _tidied_member(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):  # whose keys are names, not keywords
        return {name: _tidied(schema) for name, schema in value.items()}
    return value if key in ("default", "enum", "const", "examples") else _tidied(value)


def _words(class_name: str) -> str:
    """``EarlyStopping`` as an editor shows it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", class_name).lower().removesuffix(" spec")


def _one_item(schema: Schema) -> Schema:
    """A tuple of equal items by ``items``, which every draft of JSON Schema understands."""
    items = schema.get("prefixItems")
    if not items or any(item != items[0] for item in items):
        return schema
    return {**{k: v for k, v in schema.items() if k != "prefixItems"}, "items": items[0]}


def _one_type(schema: Schema) -> Schema:
    """``X or null`` as one schema, so that a wrong value gives one error and not one for each."""
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
