"""``vaezoo validate`` and ``vaezoo plugins list`` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vaezoo.cli import main

SPECS = Path(__file__).parent.parent.parent / "specs"
BAD = Path(__file__).parent.parent / "bad_specs"


def code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_shipped_specs_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", str(SPECS)) == 0
    assert capsys.readouterr().out == f"{len(list(SPECS.rglob('*.yaml')))} specs are valid\n"


def test_findings_are_printed_and_end_in_1(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = SPECS / "fashion_mlp2.yaml", BAD / "many_findings.yaml"
    assert code("validate", str(good), str(bad)) == 1
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.endswith("\n\n5 errors in 1 of 2 specs\n")


def test_a_value_is_set_in_every_spec(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", str(SPECS), "--set", "train.epochs=1") == 0
    assert code("validate", str(SPECS), "--set", "train.epochs=0") == 1
    assert capsys.readouterr().out.count("error[VZ204]") == 1


def test_a_folder_that_is_not_there_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", "nothing/") == 1
    assert "error[VZ101]: nothing cannot be read" in capsys.readouterr().out


def test_no_path_is_wrong_usage() -> None:
    assert code("validate") == 2


def test_plugins_list(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken_plugin.py"
    broken.write_text("raise RuntimeError('not today')")
    monkeypatch.setenv("VAEZOO_PLUGINS", str(broken))
    monkeypatch.delenv("COLUMNS", raising=False)
    assert code("plugins", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["KIND", "NAME", "PLUGIN", "SUMMARY"]
    assert any(line.split() == ["PLUGIN", "VERSION", "IMPORT", "FILE"] for line in lines)
    assert any(line.split()[:3] == ["encoder", "mlp", "vaezoo"] for line in lines)
    assert lines[-2:] == [
        "  broken: RuntimeError: not today",
        "  help: disable it with VAEZOO_DISABLE_PLUGINS=broken_plugin",
    ]


def test_plugins_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert code("plugins", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"components", "plugins"} == set(listed)
    assert "mlp" in {component["name"] for component in listed["components"]}
