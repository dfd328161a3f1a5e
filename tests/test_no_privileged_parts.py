"""The core names no built-in component and none of their figures."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from vaezoo.registry import KINDS, Metric, discover
from vaezoo.registry.quantity import LOSS_TERMS, Role

PACKAGE = Path(__file__).parent.parent / "vaezoo"
BUILT_IN = [row.component for row in discover().components() if row.plugin.name == "vaezoo"]
#: Roles and loss terms that every model has.
OF_EVERY_MODEL = {*get_args(Role), *(term.name for term in LOSS_TERMS)}
#: Strings that are also names of something else.
ORDINARY = {
    "none",
    "static",
    "dynamic",
    "precision",  # a setting of training and an entry of the lock
    "samples",  # draws of z, the field of a metric
    *KINDS,
}
NAMES = {component.use for component in BUILT_IN}
FIGURES = {
    quantity.name
    for component in BUILT_IN
    if issubclass(component, Metric)
    for quantity in component.figures
}
PRIVILEGED = (NAMES | FIGURES) - OF_EVERY_MODEL - ORDINARY
OF_KIND = {
    kind: {component.use for component in BUILT_IN if component.kind == kind} for kind in KINDS
}
#: Names that a file may contain: defaults and examples.
ALLOWED = {
    "spec/spec.py": NAMES,  # defaults, which a spec can change
    "registry/scaffold/component_files.py": NAMES,  # the example spec of a new plugin
    "testing/conformance/tiny_models.py": NAMES,  # the model on which other parts are tried
    "testing/conformance/plugin_checks.py": NAMES,  # the spec by which an import is timed
    "reports/one_entry.py": OF_KIND["visualizer"],  # what a report draws of every model
    "reports/two_entries.py": OF_KIND["visualizer"],
}
#: Folders of other subjects: explanations with examples; activations, schedules, initialisers.
ELSEWHERE = ("components/", "diagnostics/explanations/", "registry/fields/")


def core() -> list[Path]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return [path for path in paths if not name_of(path).startswith(ELSEWHERE)]


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string except docstrings, with its line."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documented:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def compared(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings that a component's or figure's name is compared with, and arguments of ``figure``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            names = [s.attr for s in sides if isinstance(s, ast.Attribute)]
            if not {"use", "name"} & set(names):
                continue
            constants = [n for side in sides for n in ast.walk(side) if isinstance(n, ast.Constant)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr != "figure":
                continue
            constants = [argument for argument in node.args if isinstance(argument, ast.Constant)]
        else:
            continue
        for constant in constants:
            if isinstance(constant.value, str):
                yield constant.lineno, constant.value


def violations(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    privileged = PRIVILEGED - ALLOWED.get(name_of(path), set())
    named = [
        f"{path}:{line}: {text!r}"
        for line, text in texts(tree)
        if text in privileged or text.rpartition("/")[2] in privileged
    ]
    held = [
        f"{path}:{line}: {text!r}"
        for line, text in compared(tree)
        if text.rpartition("/")[2] in (NAMES | FIGURES) - ORDINARY
    ]
    imported = [
        f"{path}:{node.lineno}: {node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vaezoo.components")
    ]
    return named + held + imported


def test_the_core_names_no_built_in_component() -> None:
    assert [found for path in core() for found in violations(path)] == []


def test_names_and_comparisons_are_found() -> None:
    assert {"bernoulli", "mse", "iw_bound", "loss_curves"} <= PRIVILEGED
    tree = ast.parse("figure.name == 'elbo' or part.use in ('mse', 'x'); facts.figure('test/kl')")
    assert {text for _, text in compared(tree)} == {"elbo", "mse", "x", "test/kl"}
    assert len(core()) > 200
    assert all((PACKAGE / path).is_file() for path in ALLOWED)
