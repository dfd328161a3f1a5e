"""Hypothesis strategies for data that fit a JSON Schema.

For the part of the language that ours is written in, and with the conditions that it uses:
``if`` on a type, and a union that ``use`` tells apart. Packages that draw from any schema know
neither the draft nor references that go in circles.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from vaezoo.spec.json_schema.generate import Schema, referred

Strategy = st.SearchStrategy[Any]
_ALL = ("null", "boolean", "integer", "number", "string", "array", "object")
#: Keys whose values say how a file is made of others, or of many.
APART = ("extends", "matrix")
#: Keys whose values depend on another key: the schema leaves them open.
DEPENDENT = ("groups",)


class Fitting:
    """Draws what fits the parts of a whole schema."""

    def __init__(self, whole: Schema) -> None:
        self._definitions = whole["$defs"]

    def specs(self) -> Strategy:
        """Whole specs without bases and without a matrix."""
        spec = self._definitions["Spec"]
        own = {name: of for name, of in spec["properties"].items() if name not in APART}
        return self.values({**spec, "properties": own})

    def values(self, schema: Schema) -> Strategy:
        """What fits a schema."""
        if "$ref" in schema:
            return self.values(self._definitions[referred(schema)])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "anyOf" in schema:
            return st.one_of([self.values(option) for option in schema["anyOf"]])
        if "if" in schema:
            return self._either(schema)
        types = schema.get("type", _ALL)
        return st.one_of(
            [self._of_type(one, schema) for one in ([types] if isinstance(types, str) else types)]
        )

    def _either(self, schema: Schema) -> Strategy:
        """``if`` a value has one type ``then`` …, ``else`` …."""
        decisive = schema["if"]["type"]
        common = {k: v for k, v in schema.items() if k not in ("if", "then", "else", "type")}
        others = [name for name in schema["type"] if name != decisive]
        first = {**common, "type": decisive, **schema["then"]}
        second = {**common, "type": others, **schema.get("else", {})}
        return st.one_of(self.values(first), self.values(second))

    def _of_type(self, name: str, schema: Schema) -> Strategy:
        match name:
            case "null":
                return st.none()
            case "boolean":
                return st.booleans()
            case "integer":
                return _integers(schema)
            case "number":
                return _numbers(schema)
            case "string":
                return _texts(schema)
            case "array":
                least, most = schema.get("minItems", 0), schema.get("maxItems", 4)
                return st.lists(self.values(schema["items"]), min_size=least, max_size=most)
        return self._mappings(schema)

    def _mappings(self, schema: Schema) -> Strategy:
        if "allOf" in schema:
            return st.one_of([self._named(option) for option in schema["allOf"]])
        if "oneOf" in schema:
            return st.one_of(self._each_alone(schema))
        properties = {
            name: self.values(of)
            for name, of in schema["properties"].items()
            if name not in DEPENDENT
        }
        required = {name: properties.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional=properties)

    def _named(self, option: Schema) -> Strategy:
        """A member of a union, with one of the names that stand for it."""
        member = self._definitions[referred(option["then"])]
        use = {"enum": option["if"]["properties"]["use"]["enum"]}
        required = ["use", *member.get("required", ())]
        properties = {**member["properties"], "use": use}
        return self.values({**member, "properties": properties, "required": required})

    def _each_alone(self, schema: Schema) -> list[Strategy]:
        """Mappings with the keys of exactly one of several options, and none of the others'."""
        options = [option["required"] for option in schema["oneOf"]]
        rest = {k: v for k, v in schema.items() if k != "oneOf"}
        always = schema.get("required", ())
        special = {name for option in options for name in option}
        common = {n: of for n, of in schema["properties"].items() if n not in special}
        return [
            self.values(
                {
                    **rest,
                    "properties": {**common, **{n: schema["properties"][n] for n in option}},
                    "required": [*always, *option],
                }
            )
            for option in options
        ]


def _integers(schema: Schema) -> Strategy:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    least = above + 1 if least is None and above is not None else least
    most = below - 1 if most is None and below is not None else most
    return st.integers(least, most)


def _numbers(schema: Schema) -> Strategy:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    return st.floats(
        least if above is None else above,
        most if below is None else below,
        exclude_min=above is not None,
        exclude_max=below is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def _texts(schema: Schema) -> Strategy:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 20)
    return st.text(min_size=least, max_size=most)
