"""``vaezoo schema`` as people type it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import vaezoo
from tests.runs.shell import PLUGIN, Shell


def test_it_prints_the_schema_with_the_components_of_plugins(shell: Shell) -> None:
    done = shell.inside("schema")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    Draft202012Validator.check_schema(document)
    assert "dataset.blobs" in document["$defs"]  # from the plugin that the shell gives it


def test_it_writes_a_file(shell: Shell) -> None:
    for _ in range(2):  # an earlier schema is replaced
        done = shell.inside("schema", "--output", "s.json")
        assert (done.code, done.out) == (0, "wrote s.json\n")
    registry = vaezoo.registry.discover([str(PLUGIN)])
    assert json.loads((shell.folder / "s.json").read_bytes()) == vaezoo.schema(registry)
    assert [path.name for path in shell.folder.iterdir()] == ["s.json"]


def test_a_file_of_another_kind_is_replaced_by_force_alone(shell: Shell) -> None:
    path = shell.folder / "package.json"
    path.write_text('{"name": "precious"}')
    refused = shell.inside("schema", "--output", "package.json")
    assert refused.code == 3
    assert "is not a JSON Schema of vaezoo; --force replaces it" in refused.err
    assert path.read_text() == '{"name": "precious"}'
    assert shell.inside("schema", "--output", "package.json", "--force").code == 0
    assert "$schema" in path.read_text()


@pytest.mark.parametrize("output", ["nowhere/s.json", "."])
def test_a_file_that_cannot_be_written_is_a_finding(output: str, shell: Shell) -> None:
    done = shell.inside("schema", "--output", output)
    assert done.code == 3
    assert done.err.startswith(f"error[VZ503]: cannot write the schema to {output}: ")


def test_it_is_utf_8_whatever_the_terminal_speaks() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "vaezoo", "schema"],
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        cwd=Path(__file__).parent,
        capture_output=True,
        check=True,
    ).stdout
    assert "β" in printed.decode("utf-8")


def test_help_gives_an_example(shell: Shell) -> None:
    shown = shell.inside("schema", "--help")
    assert shown.code == 0
    assert "Example: vaezoo schema --output vaezoo.schema.json" in shown.out
