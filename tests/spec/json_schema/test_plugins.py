"""Components of plugins: beside the built-in ones, and without harm where they are odd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, BeforeValidator, Field, PlainValidator

from tests.helpers import registry_with
from tests.spec.json_schema.conftest import errors, spec, spec_of_model
from vaezoo.registry import Encoder, Metric, Registry, discover
from vaezoo.registry.fields import Activation, Positive
from vaezoo.spec.json_schema import schema


def checker_of(registry: Registry) -> Draft202012Validator:
    document = schema(registry)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


class Abstract:
    """What the tests below never call."""

    def build(self, *_: Any) -> Any:
        raise NotImplementedError


def test_its_parameters_are_checked_and_described() -> None:
    class Wide(Abstract, Encoder, use="wide"):
        """Wide layers.

        Much wider.
        """

        width: int = Field(ge=8, description="how wide")
        slope: Positive = Field(0.5, description="how steep")
        after: Activation = Field("elu", description="what comes after")  # type: ignore[assignment]

    checker = checker_of(registry_with(Wide))
    definition = checker.schema["$defs"]["encoder.wide"]
    assert definition["description"] == "Wide layers.\n\nMuch wider."
    assert definition["properties"]["width"] == {
        "description": "how wide",
        "minimum": 8,
        "maximum": 2**63 - 1,
        "type": "integer",
    }
    assert definition["properties"]["slope"]["default"] == 0.5
    good = {"use": "wide", "width": 8, "slope": {"cosine": [1, 2], "epochs": 1}, "after": "tanh"}
    assert errors(checker, spec_of_model(encoder=good)) == []
    assert errors(checker, spec_of_model(encoder={**good, "use": "tests:wide"})) == []
    for wrong, found in [
        ({**good, "width": 7}, ("model.encoder.width", "minimum")),
        ({**good, "slope": 0}, ("model.encoder.slope", "exclusiveMinimum")),
        ({**good, "after": "tahn"}, ("model.encoder.after", "enum")),
        ({**good, "with": 7}, ("model.encoder", "additionalProperties")),
        ({"use": "wide"}, ("model.encoder", "required")),
        ("wide", ("model.encoder", "enum")),
    ]:
        assert errors(checker, spec_of_model(encoder=wrong)) == [found]
    grid = {"model.encoder": ["mlp", good], "model.encoder.width": [8, 7]}
    assert errors(checker, spec(matrix=grid)) == [("matrix['model.encoder.width'][1]", "minimum")]


def test_a_name_of_two_plugins_must_be_qualified() -> None:
    class Mine(Abstract, Encoder, use="mlp"):
        """Another one."""

        width: int = Field(1, description="how wide")

    checker = checker_of(registry_with(Mine))
    assert errors(checker, spec_of_model(encoder="mlp"))
    assert errors(checker, spec_of_model(encoder="tests:mlp", decoder="mlp")) == []
    assert errors(checker, spec_of_model(encoder={"use": "tests:mlp", "width": 2})) == []
    assert errors(checker, spec_of_model(encoder={"use": "vaezoo:mlp", "hidden": [2]})) == []
    assert errors(checker, spec_of_model(encoder={"use": "vaezoo:mlp", "width": 2}))


class First:
    class Section(BaseModel, extra="forbid"):
        a: int


class Second:
    class Section(BaseModel, extra="forbid"):
        b: str


def test_models_of_one_name_stay_apart() -> None:
    class One(Abstract, Metric, use="one"):
        """The first."""

        part: First.Section = Field(description="its section")

    class Other(Abstract, Metric, use="other"):
        """The second."""

        part: Second.Section = Field(description="its section")

    checker = checker_of(registry_with(One, Other))
    ones, others = {"use": "one", "part": {"a": 1}}, {"use": "other", "part": {"b": "x"}}
    assert errors(checker, spec(metrics=[ones, others])) == []
    crossed = [{**ones, "part": {"b": "x"}}, {**others, "part": {"a": 1}}]
    places = [place for place, _ in errors(checker, spec(metrics=crossed))]
    assert list(dict.fromkeys(places)) == ["metrics[0].part", "metrics[1].part"]


def unseen(value: Any) -> Any:
    return value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("annotation", "fits", "fails"),
    [
        (Annotated[int, BeforeValidator(unseen, json_schema_input_type=int | str)], "1", []),
        (Annotated[int, PlainValidator(unseen, json_schema_input_type=bool)], True, "x"),
    ],
    ids=["before", "plain"],
)
def test_the_input_type_of_a_validator_is_in_the_schema(
    annotation: Any, fits: Any, fails: Any
) -> None:
    class Odd(Abstract, Metric, use="odd"):
        """Odd."""

        value: annotation = Field(description="odd")

    Odd.model_rebuild(_types_namespace={"annotation": annotation})
    checker = checker_of(registry_with(Odd))
    assert errors(checker, spec(metrics=[{"use": "odd", "value": fits}])) == []
    assert errors(checker, spec(metrics=[{"use": "odd", "value": fails}]))


def test_a_field_without_schema_breaks_only_its_component() -> None:
    class Silent(Abstract, Metric, use="silent"):
        """A field that pydantic cannot describe."""

        call: Annotated[Callable[[], int], Field(description="what to call")]

    checker = checker_of(registry_with(Silent))
    assert errors(checker, spec(metrics=[{"use": "silent", "anything": 1}, "elbo"])) == []
    assert errors(checker, spec(metrics=["silen"])) == [("metrics[0]", "enum")]
    assert errors(checker, spec(metrics=["elbo", {"use": "elbo", "anything": 1}]))


def test_a_broken_plugin_is_left_out(tmp_path: Path, document: dict[str, Any]) -> None:
    path = tmp_path / "broken.py"
    path.write_text("raise RuntimeError('not today')")
    assert schema(discover([str(path)])) == document
