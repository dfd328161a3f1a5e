"""The schema of the installed plugins' components, and a validator that does not know vaezoo."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vaezoo.registry import discover
from vaezoo.spec.json_schema import schema

#: A spec with nothing but what is required.
LEAST = {
    "vaezoo": 1,
    "name": "probe",
    "dataset": "fashion_mnist",
    "model": {"latent": 2, "encoder": "mlp", "decoder": "mlp"},
    "train": {"epochs": 1},
}


def spec(**parts: Any) -> dict[str, Any]:
    """The least spec with other values for some of its keys."""
    return {**LEAST, **parts}


def spec_of_model(**parts: Any) -> dict[str, Any]:
    """The least spec with other values for some keys of its model."""
    return spec(model={**LEAST["model"], **parts})  # type: ignore[dict-item]


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return schema(discover())


@pytest.fixture(scope="session")
def checker(document: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(document)


def errors(checker: Draft202012Validator, data: Any) -> list[tuple[str, str]]:
    """Where each error is, and which keyword of the schema it broke."""
    found = checker.iter_errors(data)
    return [(error.json_path.removeprefix("$."), str(error.validator)) for error in found]
