"""The public face: what ``import vaezoo`` gives."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import vaezoo

HEAVY = ("torch", "torchvision", "numpy", "matplotlib")


def names_for_checkers() -> dict[str, str]:
    """What the type checker is told: name -> module, from ``if TYPE_CHECKING:``."""
    tree = ast.parse(Path(vaezoo.__file__).read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    return {
        alias.asname or alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_all_equals_the_names_for_type_checkers() -> None:
    assert len(vaezoo.__all__) == len(set(vaezoo.__all__))
    assert set(vaezoo.__all__) == set(names_for_checkers())
    assert names_for_checkers() == vaezoo._HOME


@pytest.mark.parametrize("name", vaezoo.__all__)
def test_every_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(vaezoo, name)
    assert value is getattr(vaezoo, name)
    assert name in dir(vaezoo)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = vaezoo.nothing


def test_importing_is_cheap() -> None:
    code = f"import sys, vaezoo; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code) == "[]"


def test_plugin_authors_names_are_cheap() -> None:
    bases = "Dataset, Encoder, Decoder, Likelihood, Prior, Loss, Optimizer, Metric, Visualizer"
    code = f"from vaezoo import {bases}, hookimpl, validate\nimport sys\n"
    assert python(f"{code}print([m for m in {HEAVY} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("first", ["vaezoo", "vaezoo.runs.run", "vaezoo.cli.run", "vaezoo.zoo"])
def test_functions_are_not_hidden_by_modules(first: str) -> None:
    code = f"import {first}, vaezoo; print(*(callable(f) for f in (vaezoo.run, vaezoo.load)))"
    assert python(code) == "True True"


def test_validate_takes_a_path(tmp_path: Path) -> None:
    root = Path(vaezoo.__file__).parent.parent
    assert vaezoo.validate(root / "specs") == ()
    assert vaezoo.validate(str(root / "specs" / "fashion_mlp2.yaml")) == ()
    bad = tmp_path / "bad.yaml"
    bad.write_text("vaezoo: 1\nname: bad\nnoise: 3\n")
    findings = vaezoo.validate(bad)
    assert {finding.code for finding in findings} >= {"VZ201", "VZ202"}
    assert all(isinstance(finding, vaezoo.Diagnostic) for finding in findings)
    (unknown,) = (finding for finding in findings if finding.code == "VZ201")
    assert str(unknown.span) == f"{bad}:3:1"


def test_errors_share_a_root(tmp_path: Path) -> None:
    with pytest.raises(vaezoo.VaezooError, match="VZ101"):
        vaezoo.run(tmp_path / "nothing.yaml")
    with pytest.raises(vaezoo.VaezooError, match="VZ501"):
        vaezoo.load("nothing_of_that_name")
