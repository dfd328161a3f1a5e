"""The house keeps its floors, and reading is free of torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vaezoo"
#: Rooms by floor. A room imports from lower floors only.
FLOORS = {
    "diagnostics": 0,
    "files": 0,
    "folders": 0,
    "regular": 0,
    "strict_json": 0,
    "heap": 0,
    "interrupts": 0,
    "out_of_memory": 1,
    "patience": 0,
    "processes": 1,
    "palette": 0,
    "printable": -1,
    "lookalikes": 0,
    "discovery": 1,
    "fields": 1,
    "reporting": 1,
    "registry": 1,
    "codes": 1,
    "spec": 2,
    "components": 2,
    "model": 3,
    "data": 3,
    "devices": 3,
    "repairs": 3,
    "shapes": 3,
    "weights": 3,
    "training": 4,
    "evaluation": 4,
    "zoo": 4,
    "drawing": 4,
    "road": 6,
    "inquiry": 5,
    "members": 7,
    "tradeoff": 5,
    "redraw": 5,
    "measurement": 5,
    "signing": 5,
    "verification": 6,
    "catalogue": 5,
    "doctor": 6,
    "writeup": 6,
    "explore": 6,
    "conformance": 7,
    "scaffold": 6,
    "cluster": 8,
    "migration": 8,
    "cli": 9,
    "testing": 9,
    "__main__": 10,
}
#: Within floor 1 the components' contracts stand on the types of their fields and the registry
#: on the plugins that were found; within floor 3
#: the model stands on images as tensors.
ALLOWED = {
    ("registry", "fields"),
    ("registry", "out_of_memory"),
    ("registry", "discovery"),
    ("model", "data"),
}
HEAVY = ("torch", "torchvision", "numpy", "matplotlib")


def imports(tree: ast.AST) -> Iterator[str]:
    """Every import below ``tree``, those inside functions too, those for type checkers not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imports(other)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            if node.module == "vaezoo":
                yield from (f"vaezoo.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_room_has_its_floor() -> None:
    assert {room_of(path) for path in MODULES} <= set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_room_imports_upward(path: Path) -> None:
    room = room_of(path)
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] != "vaezoo" or len(parts) == 1:
            continue
        other = parts[1]
        assert other in FLOORS, f"{path.name} imports {name}; name the room it comes from"
        downward = FLOORS[other] < FLOORS[room]
        assert downward or other == room or (room, other) in ALLOWED, f"{path} imports {name}"


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
