"""What the schema says of each part of a spec, and how few words it needs for a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.spec.json_schema.conftest import LEAST, errors, spec, spec_of_model
from vaezoo.registry import KINDS, discover
from vaezoo.spec.json_schema import as_json, schema
from vaezoo.spec.json_schema.generate import DEFINITIONS
from vaezoo.spec.spec import Spec


def test_it_is_a_schema_of_the_draft_that_it_names(document: dict[str, Any]) -> None:
    assert document["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(document)


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for item in schema.values():
            yield from references(item)


def test_every_definition_is_used_and_every_reference_has_one(document: dict[str, Any]) -> None:
    names = {DEFINITIONS + name for name in document["$defs"]}
    assert set(references(document)) == names


def test_it_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert as_json(schema(discover())) == as_json(document)


# what editors show


def test_every_key_has_a_description(document: dict[str, Any]) -> None:
    silent = [
        f"{name}.{key}"
        for name, definition in document["$defs"].items()
        for key, of in definition.get("properties", {}).items()
        if not (of.get("description") or "$ref" in of or name.startswith(("any", "matrix")))
    ]
    assert silent == []


def test_every_default_is_there(document: dict[str, Any]) -> None:
    for name, field in Spec.model_fields.items():
        if not field.is_required() and field.default not in ((), None):
            assert "default" in document["$defs"]["Spec"]["properties"][name], name
    adam = document["$defs"]["optimizer.adam"]["properties"]
    assert adam["lr"]["default"] == 1e-3
    assert adam["betas"]["default"] == [0.9, 0.999]
    assert document["$defs"]["ModelSpec"]["properties"]["likelihood"]["default"] == "bernoulli"


def test_every_component_is_listed_with_parameters_and_description(
    document: dict[str, Any],
) -> None:
    for kind in KINDS:
        union = document["$defs"][f"any.{kind}"]
        for registered in discover().components(kind):
            component = registered.component
            definition = document["$defs"][f"{kind}.{component.use}"]
            assert set(definition["properties"]) == {"use", *component.model_fields}
            assert definition["description"].startswith(str(component.__doc__).split("``")[0][:20])
            offered = union["else"]["properties"]["use"]["enum"]
            assert {component.use, registered.qualified} <= set(offered)


# forms


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec_of_model(encoder={"use": "mlp"}),
        spec_of_model(encoder="vaezoo:mlp"),
        spec_of_model(encoder={"use": "vaezoo:conv", "channels": [4], "activation": "tanh"}),
        spec_of_model(encoder={"use": "mlp", "activation": {"use": "elu", "alpha": 0.5}}),
        spec(dataset={"use": "mnist", "binarize": "dynamic"}),
        spec(dataset={"use": "mnist", "binarize": {"use": "static", "seed": 3}}),
        spec(dataset={"use": "mnist", "binarize": {}}),
        spec(loss={"use": "elbo", "beta": 4}),
        spec(loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 10}}),
        spec(train={"epochs": 1, "early_stopping": None, "gradient_clip": 1}),
        spec(train={"epochs": 1, "early_stopping": {}}),
        spec(visualizers=["samples", {"use": "traversals"}], metrics=[]),
        spec(ignore=["VZ412"]),
        spec(matrix=None),
        spec(matrix={"loss.beta": [1, {"cosine": [1, 2], "epochs": 2}]}),
        spec(matrix={"model.encoder": ["mlp", {"use": "conv"}], "visualizers.0.n": [1, 2]}),
        {"vaezoo": 1, "name": "a", "dataset": "mnist", "matrix": {"model": [LEAST["model"]]}}
        | {"train": {"epochs": 1}},
        spec(model={"encoder": "mlp", "decoder": "mlp"}, matrix={"model.latent": [2, 3]}),
        {"extends": "base.yaml"},
        {"extends": ["a.yaml", "b/c.yaml"], "model": {"encoder": {"hidden": [3]}}},
        {"extends": "base.yaml", "train": {"optimizer": {"lr": 0.1, "momentum": 0.5}}},
    ],
    ids=str,
)
def test_what_vaezoo_reads_fits(good: dict[str, Any], checker: Draft202012Validator) -> None:
    assert errors(checker, good) == []


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (spec_of_model(encoder="mpl"), ("model.encoder", "enum")),
        (spec_of_model(encoder={"use": "mpl"}), ("model.encoder.use", "enum")),
        (spec_of_model(encoder={"hidden": [1]}), ("model.encoder", "required")),
        (
            spec_of_model(encoder={"use": "mlp", "width": 1}),
            ("model.encoder", "additionalProperties"),
        ),
        (
            spec_of_model(encoder={"use": "mlp", "hidden": [0]}),
            ("model.encoder.hidden[0]", "minimum"),
        ),
        (spec_of_model(encoder=3), ("model.encoder", "type")),
        (spec(dataset="image_folder"), ("dataset", "enum")),
        (spec(dataset={"use": "image_folder"}), ("dataset", "required")),
        (spec(dataset={"use": "mnist", "binarize": "often"}), ("dataset.binarize", "enum")),
        (
            spec(dataset={"use": "mnist", "binarize": {"seed": -1}}),
            ("dataset.binarize.seed", "minimum"),
        ),
        (
            spec(dataset={"use": "mnist", "binarize": {"sed": 1}}),
            ("dataset.binarize", "additionalProperties"),
        ),
        (spec(loss={"use": "elbo", "beta": -1}), ("loss.beta", "minimum")),
        (
            spec(loss={"use": "elbo", "beta": {"linear": [0], "epochs": 1}}),
            ("loss.beta.linear", "minItems"),
        ),
        (spec(loss={"use": "elbo", "beta": {"linear": [0, 1]}}), ("loss.beta", "required")),
        (spec(loss={"use": "elbo", "beta": {"epochs": 1}}), ("loss.beta", "oneOf")),
        (spec(ignore=["VZ101"]), ("ignore[0]", "enum")),
        (spec(ignore="VZ412"), ("ignore", "type")),
        (
            spec(train={"epochs": 1, "early_stopping": {"patience": 0}}),
            ("train.early_stopping", "anyOf"),
        ),
        (
            spec(train={"epochs": 1, "gradient_clip": 0}),
            ("train.gradient_clip", "exclusiveMinimum"),
        ),
        (spec(visualizers=["samples", "smples"]), ("visualizers[1]", "enum")),
        (spec(vaezoo="1"), ("vaezoo", "const")),
        (spec(matrix={"loss.betta": [1]}), ("matrix", "additionalProperties")),
        (spec(matrix={"name": ["a"]}), ("matrix", "additionalProperties")),
        (spec(matrix={"loss.beta": [1, -1]}), ("matrix['loss.beta'][1]", "minimum")),
        (spec(matrix={"loss.beta": 1}), ("matrix['loss.beta']", "type")),
        (spec(model={"encoder": "mlp", "decoder": "mlp"}), ("model", "required")),
        ({"extends": "base.yaml", "train": {"epochs": 0}}, ("train.epochs", "minimum")),
        ({"extends": "base.yaml", "train": {"epoch": 1}}, ("train", "additionalProperties")),
        (
            {"extends": "base.yaml", "train": {"optimizer": {"rate": 1}}},
            ("train.optimizer", "additionalProperties"),
        ),
        ({"extends": ""}, ("extends", "minLength")),
        ({"extends": []}, ("extends", "minItems")),
    ],
    ids=str,
)
def test_one_mistake_is_one_error_at_its_place(
    bad: dict[str, Any], found: tuple[str, str], checker: Draft202012Validator
) -> None:
    assert errors(checker, bad) == [found]
