"""``vaezoo export``: what it prints, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.shell import Shell


@pytest.fixture
def exporter(shell: Shell, zoo: Path) -> Shell:
    """Finds the entry ``plain``."""
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    return shell


def test_it_prints_each_check_and_the_folder(exporter: Shell) -> None:
    done = exporter.inside("export", "plain", "--to", "torch", "--out", "out")
    assert done.code == 0, done.err
    *checks, folder = done.out.splitlines()
    assert [line.split("largest")[0].split() for line in checks] == [
        ["PASS", "encoder", "mean"],
        ["PASS", "encoder", "log_var"],
        ["PASS", "decoder", "image"],
    ]
    assert folder == "out"
    told = [line for line in done.err.splitlines() if line.startswith(("load", "writ", "comp"))]
    assert told == ["loading plain", "writing torch", "comparing on 64 test images"]
    assert "Warning" not in done.err
    again = exporter.inside("export", "plain", "--to", "torch", "--out", "out")
    assert again.code == 3
    assert "VZ503" in again.err
    assert "--force replaces an export" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["plain", "--to", "diffusers"], 3, "VZ701"),
        (["plain", "--to", "pickle"], 2, "'pickle' is not one of"),
        (["no_such_entry"], 2, "VZ501"),
        (["plain", "--to", "torch", "--out", "no/such/folder"], 3, "VZ503"),
        (["plain", "--to", "torch", "--tolerance", "-1"], 2, "--tolerance"),
    ],
)
def test_mistakes_have_codes_and_leave_nothing(
    exporter: Shell, arguments: list[str], code: int, told: str
) -> None:
    done = exporter.inside("export", *arguments)
    assert done.code == code, done.err
    assert told in done.err
    assert list(exporter.folder.iterdir()) == []
