"""What ``new_plugin`` writes, and what it refuses to write."""

from __future__ import annotations

import ast
import os
import string
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import vaezoo
from tests.helpers import registry_with
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import UsageError, VaezooError
from vaezoo.registry import KINDS, Encoder, ImageShape, Plugin, Registry, new_registry
from vaezoo.registry.module_contracts import Shape
from vaezoo.registry.scaffold import new_plugin
from vaezoo.registry.scaffold.plugin_names import Names

#: The longest name there may be, for which lines are longest.
LONGEST = "vaezoo-" + "abcdefghijklmnopqrstuvwxyz-123"
EVERYTHING: dict[str, Any] = {"kinds": tuple(KINDS), "hooks": True}
PACKAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "one": ("vaezoo-mine", {}),
    "two": ("mine", {"kinds": ("encoder", "decoder")}),
    "hooks": ("vaezoo-hooks", {"kinds": (), "hooks": True}),
    "everything": ("vaezoo-mine", EVERYTHING),
    "longest": (LONGEST, EVERYTHING),
    "longest-one": (LONGEST, {"kinds": ("likelihood",)}),
}


def refused(name: str, **arguments: Any) -> VaezooError:
    with pytest.raises(VaezooError) as caught:
        new_plugin(name, **arguments)
    return caught.value


def test_the_files_of_a_package(tmp_path: Path) -> None:
    created = vaezoo.new_plugin("vaezoo-mine", kinds=["encoder", "loss"], directory=tmp_path)
    assert created.folder == tmp_path / "vaezoo-mine"
    assert set(created.files) == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "specs/mine.yaml",
        "src/vaezoo_mine/__init__.py",
        "src/vaezoo_mine/encoder.py",
        "src/vaezoo_mine/loss.py",
        "src/vaezoo_mine/py.typed",
        "tests/test_conformance.py",
        "tests/test_spec.py",
    }
    there = {path.relative_to(created.folder) for path in created.folder.rglob("*.*")}
    assert {str(path) for path in there} >= set(created.files)
    assert os.listdir(tmp_path) == ["vaezoo-mine"]
    project = tomllib.loads((created.folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"] == {"vaezoo": {"vaezoo-mine": "vaezoo_mine"}}
    assert created.commands[-1].endswith("vaezoo-mine/specs/mine.yaml --set train.epochs=1")


@pytest.mark.parametrize(("name", "arguments"), PACKAGES.values(), ids=PACKAGES)
def test_linters_and_formatters_find_nothing(
    name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    folder = new_plugin(name, directory=tmp_path, **arguments).folder
    for command in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.slow
def test_the_type_checker_finds_nothing(tmp_path: Path) -> None:
    folder = new_plugin("vaezoo-mine", directory=tmp_path, **EVERYTHING).folder
    # silent on what is imported: vaezoo is checked with settings of its own
    own = ("--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *own],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(vaezoo.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_plugin_needs_no_name_but_public_ones(tmp_path: Path) -> None:
    folder = new_plugin("vaezoo-mine", directory=tmp_path, **EVERYTHING).folder
    imported = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "vaezoo":
                imported |= {(node.module, alias.name) for alias in node.names}
    assert {module for module, _ in imported} == {"vaezoo", "vaezoo.testing"}
    assert {name for module, name in imported if module == "vaezoo"} <= set(vaezoo.__all__)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "vaezoo-mine").mkdir()
    (tmp_path / "vaezoo-mine" / "thesis.txt").write_text("years of work")
    error = refused("vaezoo-mine", directory=tmp_path)
    assert error.diagnostics[0].code == "VZ503"
    assert "already exists" in str(error)
    assert os.listdir(tmp_path / "vaezoo-mine") == ["thesis.txt"]
    (tmp_path / "link").symlink_to("nowhere")
    assert "already exists" in str(refused("link", directory=tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refused("vaezoo-mine", directory=tmp_path / "file")
    assert error.exit_code == 3
    assert "VZ503" in str(error)
    assert "--directory" in str(error)


def test_nothing_is_left_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_text

    def full(self: Path, *arguments: Any) -> int:
        if self.name == "test_spec.py":
            raise OSError(28, "No space left on device")
        return real(self, *arguments)

    monkeypatch.setattr(Path, "write_text", full)
    error = refused("vaezoo-mine", directory=tmp_path)
    assert "No space left on device" in str(error)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is not a valid package name"),
        ("vaezoo mine", "is not a valid package name"),
        ("../mine", "--directory sets the parent"),
        ("-mine", "is not a valid package name"),
        ("mine\n", "is not a valid package name"),
        ("größe", "is not a valid package name"),
        ("vaezoo-2", "does not give a valid Python name"),
        ("vaezoo-class", "does not give a valid Python name"),
        ("a" * 31, "use at most 30 characters"),
        ("json", "the module json already exists"),
        ("vaezoo", "the module vaezoo already exists"),
        ("Vaezoo", "the module vaezoo already exists"),
    ],
)
def test_a_name_that_cannot_be(name: str, said: str, tmp_path: Path) -> None:
    error = refused(name, directory=tmp_path)
    assert error.exit_code == 2
    assert error.diagnostics[0].code == "VZ504"
    assert said in str(error)
    assert os.listdir(tmp_path) == []


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_. /é\n", max_size=40))
def test_every_name_makes_a_module_or_is_refused(name: str) -> None:
    try:
        names = Names.of(name)
    except UsageError:
        return
    assert names.module.isidentifier()
    assert names.base.isidentifier()
    assert f"{names.title}Encoder".isidentifier()
    assert set(names.base) <= set(string.ascii_lowercase + string.digits + "_")


def test_an_unknown_kind_and_no_kind_at_all(tmp_path: Path) -> None:
    error = refused("vaezoo-mine", kinds=["encodr"], directory=tmp_path)
    assert "unknown kind 'encodr'" in str(error)
    assert "did you mean 'encoder'?" in str(error)
    assert "a plugin needs a component or hooks" in str(
        refused("vaezoo-mine", kinds=[], directory=tmp_path)
    )
    assert os.listdir(tmp_path) == []


def taken() -> Registry:
    class Other(Encoder, use="mine"):
        """An encoder of another plugin."""

        def build(self, image: ImageShape, output: Shape) -> Any: ...

    return registry_with(Other)


def test_a_component_that_another_plugin_has(tmp_path: Path) -> None:
    error = refused("vaezoo-mine", directory=tmp_path, registry=taken())
    assert error.diagnostics[0].code == "VZ302"
    assert "the plugin tests 1 already has the encoder 'mine'" in str(error)
    new_plugin("vaezoo-mine", kinds=["decoder"], directory=tmp_path, registry=taken())


def test_a_plugin_of_that_name(tmp_path: Path) -> None:
    registry = new_registry()
    registry.add(Plugin("vaezoo-mine", "1.2", "elsewhere.py"), object())
    error = refused("vaezoo-mine", kinds=["loss"], directory=tmp_path, registry=registry)
    assert error.diagnostics[0].code == "VZ504"
    assert "the plugin vaezoo-mine 1.2 already exists: elsewhere.py" in str(error)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["plugins", "new", "vaezoo-mine", "--kind", "prior", "--kind", "metric"]
    done = CliRunner().invoke(cli, arguments)
    assert done.output.splitlines() == [
        "created vaezoo-mine with 11 files",
        "next:",
        "  pip install -e 'vaezoo-mine[test]'",
        "  pytest vaezoo-mine",
        "  vaezoo run vaezoo-mine/specs/mine.yaml --set train.epochs=1",
    ]
    source = tmp_path / "vaezoo-mine" / "src" / "vaezoo_mine"
    assert {path.name for path in source.iterdir()} == {
        "__init__.py",
        "metric.py",
        "prior.py",
        "py.typed",
    }
    CliRunner().invoke(cli, ["plugins", "new", "only-hooks", "--hooks"])
    source = tmp_path / "only-hooks" / "src" / "only_hooks"
    assert {path.name for path in source.iterdir()} == {"__init__.py", "hooks.py", "py.typed"}
