"""The house keeps its floors, and reading is free of torch."""

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
#: Rooms from the lowest floor to the highest. A room imports from lower floors only, and no two
#: rooms share a floor.
FLOORS = (
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
    "doctor",
    "testing",
    "cli",
    "__main__",
)
#: The two that know each other: a component is checked against specs and looks at models, and
#: both are made of components. Only for type checkers.
EXCUSED = {("registry", "vaezoo.spec.spec"), ("registry", "vaezoo.model")}
HEAVY = ("torch", "torchvision", "numpy", "matplotlib")


@dataclass(frozen=True)
class Import:
    """A module that is imported somewhere, and whether only type checkers do so."""

    module: str
    for_typing: bool = False


def imports(tree: ast.AST, for_typing: bool = False) -> Iterator[Import]:
    """Every import below ``tree``, those inside functions and for type checkers too."""
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


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_room_has_its_floor_and_every_floor_a_room() -> None:
    assert {room_of(path) for path in MODULES} == set(FLOORS)


def test_no_room_imports_upward() -> None:
    upward = []
    for path in MODULES:
        room = room_of(path)
        for one in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top, _, rest = one.module.partition(".")
            other = rest.partition(".")[0]
            if top != "vaezoo" or not rest or other == room:
                continue
            excused = one.for_typing and (room, one.module) in EXCUSED
            if FLOORS.index(other) > FLOORS.index(room) and not excused:
                upward.append(f"{path.relative_to(ROOT)} imports {one.module}")
    assert not upward


def test_no_two_files_of_one_name_mean_different_things() -> None:
    """A command is called like the module whose function it calls; other names stand once."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        if path.stem != "__init__" and room_of(path) != "cli":
            homes.setdefault(path.stem, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_no_class_name_stands_twice() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


LOOK = """
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
def test_reading_is_free(case: str) -> None:
    code = CASES[case] + ("" if case == "import" else "; assert r.exit_code == 0, r.output")
    shown = subprocess.run(
        [sys.executable, "-c", LOOK.format(code=code, heavy=HEAVY)],
        cwd=ROOT,
        env={**os.environ, "VAEZOO_ZOO": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.stderr == ""
    assert shown.stdout.strip() == "[]"


def test_no_package_exports_a_name_that_a_module_of_it_takes_over() -> None:
    """Importing a submodule binds its name in the package, over a function of that name."""
    taken = []
    for init in PACKAGE.rglob("__init__.py"):
        package = ".".join(init.parent.relative_to(ROOT).parts)
        modules = {path.stem for path in init.parent.iterdir()}
        for node in ast.walk(ast.parse(init.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module != package:
                names = {alias.asname or alias.name for alias in node.names} & modules
                taken += [f"{package}.{n}" for n in names if node.module != f"{package}.{n}"]
    assert not taken
