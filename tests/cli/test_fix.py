"""``vaezoo validate --fix`` and ``--diff``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_validate import code
from tests.spec.conftest import GOOD

BAD = GOOD.replace("epochs", "epohcs")
DIFF = """\
--- spec.yaml
+++ spec.yaml
@@ -6,5 +6,5 @@
   encoder: {use: mlp, hidden: [400]}
   decoder: {use: mlp, hidden: [400]}
 train:
-  epohcs: 3
+  epochs: 3
 ignore: [VZ412]
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "spec.yaml"
    path.write_text(BAD)
    return path


def test_fix_writes_then_validates(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", "spec.yaml", "--fix") == 0
    assert spec.read_text() == GOOD
    shown = capsys.readouterr()
    assert shown.out == "1 spec is valid\n"
    assert shown.err == "fixed spec.yaml: epohcs → epochs\n"
    assert code("validate", "spec.yaml", "--fix") == 0
    assert capsys.readouterr().err == ""


def test_what_cannot_be_fixed_is_reported(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.write_text(BAD.replace("latent: 2", "latent: 0"))
    assert code("validate", "spec.yaml", "--fix", "--format", "json") == 1
    assert spec.read_text() == GOOD.replace("latent: 2", "latent: 0")
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["code"] == "VZ204"


def test_diff_writes_nothing(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", ".", "--diff") == 1
    assert spec.read_text() == BAD
    shown = capsys.readouterr()
    assert shown.out == DIFF
    assert shown.err == "would fix spec.yaml: epohcs → epochs\n1 error in 1 of 1 spec\n"


def test_diff_finds_a_valid_spec_out_of_order(spec: Path) -> None:
    spec.write_text(GOOD.replace("name: probe\n", "") + "name: probe\n")
    assert code("validate", "spec.yaml") == 0
    assert code("validate", "spec.yaml", "--diff") == 1
    spec.write_text(GOOD)
    assert code("validate", "spec.yaml", "--diff") == 0


def test_both_show_what_was_written(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", "spec.yaml", "--fix", "--diff") == 0
    assert spec.read_text() == GOOD
    shown = capsys.readouterr()
    assert shown.out == DIFF
    assert shown.err == "fixed spec.yaml: epohcs → epochs\n1 spec is valid\n"


def test_a_report_beside_the_diff_goes_to_a_file(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code("validate", "spec.yaml", "--diff", "--format", "json") == 2
    assert "--output json=FILE" in capsys.readouterr().err
    assert code("validate", "spec.yaml", "--diff", "--output", "found.json") == 1
    assert capsys.readouterr().out == DIFF
    assert json.loads(Path("found.json").read_text())["summary"]["errors"] == 1


def test_what_is_set_is_not_written(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code("validate", "spec.yaml", "--fix", "--set", "train.epochs=0") == 1
    assert spec.read_text() == GOOD
    assert "--set train.epochs=0" in capsys.readouterr().out
