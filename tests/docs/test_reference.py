"""The generated parts of the pages are up to date and complete."""

from __future__ import annotations

import re

import pytest
import torch
from docs_contract import DATA, INTERFACES
from docs_reference import DOCS, PARTS, built_in, description, prose, rewritten
from docs_texts import EXAMPLES, INITIALIZERS
from docs_types import type_text
from pydantic import BaseModel, BeforeValidator

import vaezoo
from vaezoo.components.datasets.shipped import MNIST, FashionMNIST
from vaezoo.registry import KINDS, Component, hookspecs
from vaezoo.registry.fields.activation import ACTIVATIONS
from vaezoo.spec.spec import EarlyStopping, ModelSpec, PublishSpec, Spec, Target, TrainSpec

BUILT_IN = [component for kind in KINDS for component in built_in(kind)]


@pytest.mark.parametrize("page", sorted({part.page for part in PARTS}))
def test_page_is_up_to_date(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert rewritten(page, text) == text, "run: python tools/docs_reference.py"


@pytest.mark.parametrize("component", BUILT_IN, ids=lambda c: f"{c.kind}-{c.use}")
def test_component_is_documented(component: type[Component]) -> None:
    assert prose(component)
    assert all(map(description, component.model_fields.values()))


@pytest.mark.parametrize(
    "section",
    [Spec, ModelSpec, TrainSpec, EarlyStopping, Target, PublishSpec, *ACTIVATIONS.values()],
)
def test_section_is_documented(section: type[BaseModel]) -> None:
    assert prose(section)
    assert all(map(description, section.model_fields.values()))


def test_component_without_docstring_is_an_error() -> None:
    class Silent(Component, use="silent"):
        width: int = 3

    with pytest.raises(LookupError, match="no docstring"):
        prose(Silent)
    with pytest.raises(LookupError, match="no description"):
        description(Silent.model_fields["width"])
    with pytest.raises(LookupError, match="lambda"):
        type_text(int, (BeforeValidator(lambda value: value),))


def test_every_example_and_initializer_is_used() -> None:
    assert set(EXAMPLES) == {(component.kind, component.use) for component in BUILT_IN}
    page = (DOCS / "spec.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in INITIALIZERS)


def test_every_kind_hook_and_interface_is_documented() -> None:
    page = (DOCS / "plugins.md").read_text("utf-8")
    named = [name for name in vars(hookspecs) if name.startswith("vaezoo_")]
    assert len(named) == 6
    assert all(f"- `{name}(" in page for name in named)
    assert all(f"### {base.__name__}: " in page for base in KINDS.values())
    assert all(f"#### `{one.__name__}`" in page for one in INTERFACES)
    described: list[type] = [*KINDS.values(), *INTERFACES, *DATA]
    assert {one.__name__ for one in described} <= set(vaezoo.__all__)


def test_every_exit_code_is_documented() -> None:
    errors = [vaezoo.VaezooError]
    for error in errors:
        errors += error.__subclasses__()
    page = (DOCS / "errors.md").read_text("utf-8")
    documented = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert sorted({0, *(error.exit_code for error in errors)}) == sorted(map(int, documented))


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [FashionMNIST, MNIST])
def test_documented_entropy_of_gray_levels(dataset: type[FashionMNIST]) -> None:
    x = dataset().build().test.images.double() / 255
    entropy = -(torch.special.xlogy(x, x) + torch.special.xlogy(1 - x, 1 - x))
    page = (DOCS / "figures.md").read_text("utf-8")
    assert f"{entropy.flatten(1).sum(1).mean():.2f}" in page


def test_math_survives_markdown() -> None:
    page = (DOCS / "figures.md").read_text("utf-8")
    formulas = re.findall(r"\$\$?[^$]+\$", page)
    assert len(formulas) > 10
    # GitHub reads a backslash before punctuation as an escape of Markdown
    assert not [formula for formula in formulas if re.search(r"\\[^\w\s]", formula)]
