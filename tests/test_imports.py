"""Packages import lower ones only, and light commands import no heavy library."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vaezoo"
#: Packages and modules of ``vaezoo`` from the lowest layer to the highest. Each imports from lower
#: layers only.
LAYERS = (
    "diagnostics",
    "system",
    "registry",
    "plotting",
    "spec",
    "data",
    "model",
    "components",
    "training",
    "zoo",
    "evaluation",
    "runs",
    "reports",
    "explorer",
    "exports",
    "gallery",
    "doctor",
    "testing",
    "cli",
    "__main__",
)
#: Components take specs and models as arguments, and specs and models consist of components. Only
#: type checkers import these.
EXCUSED = {("registry", "vaezoo.spec.spec"), ("registry", "vaezoo.model")}
HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "jinja2", "filelock")


@dataclass(frozen=True)
class Import:
    """An imported module, and whether only type checkers import it."""

    module: str
    for_typing: bool = False


def imports(tree: ast.AST, for_typing: bool = False) -> Iterator[Import]:
    """Every import below ``tree``, including those in functions and for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, for_typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield Import(node.module or "", for_typing)
            if node.module == "vaezoo":
                yield from (Import(f"vaezoo.{alias.name}", for_typing) for alias in node.names)
        else:
            typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            yield from imports(node, for_typing or typing)


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_package_has_a_layer() -> None:
    assert {layer_of(path) for path in MODULES} == set(LAYERS)


def test_no_package_imports_a_higher_one() -> None:
    upward = []
    for path in MODULES:
        layer = layer_of(path)
        for one in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top, _, rest = one.module.partition(".")
            other = rest.partition(".")[0]
            if top != "vaezoo" or not rest or other == layer:
                continue
            excused = one.for_typing and (layer, one.module) in EXCUSED
            if LAYERS.index(other) > LAYERS.index(layer) and not excused:
                upward.append(f"{path.relative_to(ROOT)} imports {one.module}")
    assert not upward


def test_module_names_are_unique() -> None:
    """Only a command may have the name of another module, whose function it calls."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        if path.stem != "__init__" and layer_of(path) != "cli":
            homes.setdefault(path.stem, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_class_names_are_unique() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


PROGRAM = """
import sys
{code}
print([name for name in {heavy} if name in sys.modules])
"""
COMMAND = "from click.testing import CliRunner; from vaezoo.cli.commands import cli; r = "
CASES = {
    "import": "import vaezoo",
    "--help": COMMAND + "CliRunner().invoke(cli, ['--help'])",
    "validate": COMMAND + "CliRunner().invoke(cli, ['validate', 'specs'])",
    "plugins list": COMMAND + "CliRunner().invoke(cli, ['plugins', 'list'])",
    "zoo list": COMMAND + "CliRunner().invoke(cli, ['zoo', 'list'])",
}


@pytest.mark.parametrize("case", CASES)
def test_light_commands_import_no_heavy_library(case: str) -> None:
    code = CASES[case] + ("" if case == "import" else "; assert r.exit_code == 0, r.output")
    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code, heavy=HEAVY)],
        cwd=ROOT,
        env={**os.environ, "VAEZOO_ZOO": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.stderr == ""
    assert shown.stdout.strip() == "[]"


def test_no_module_hides_an_export_of_its_package() -> None:
    """Importing a module binds its name in the package and replaces an export of that name."""
    taken = []
    for init in PACKAGE.rglob("__init__.py"):
        package = ".".join(init.parent.relative_to(ROOT).parts)
        modules = {path.stem for path in init.parent.iterdir()}
        for node in ast.walk(ast.parse(init.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module != package:
                names = {alias.asname or alias.name for alias in node.names} & modules
                taken += [f"{package}.{n}" for n in names if node.module != f"{package}.{n}"]
    assert not taken
