"""``zoo list`` and ``plugins list`` fit the terminal, with summaries."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from vaezoo.cli.commands import cli
from vaezoo.diagnostics.columns import with_summaries

ROWS = [("NAME", "SIZE"), ("alpha", "1 kB"), ("b", "20 kB")]
TEXTS = ["SUMMARY", "word " * 20, ""]


def listed(monkeypatch: pytest.MonkeyPatch, columns: int | None, *arguments: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns or ""))
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_zoo_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEZOO_ZOO", raising=False)
    lines = listed(monkeypatch, columns, "zoo", "list")
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert "-262.64 ± 0.81" in text
    assert "Convolutional VAE with 12 latents on Fashion-MNIST" in text
    assert ("SIZE" in text) == (columns >= 80)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_plugins_list(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    lines = listed(monkeypatch, columns, "--no-plugins", "plugins", "list")
    end = lines.index("")
    assert max(map(len, lines[:end])) <= columns
    assert any("Number of active latent dimensions" in line for line in lines)


def test_what_other_programs_read_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = (one for one in listed(monkeypatch, None, "zoo", "list") if "mnist_keras2" in one)
    assert line.endswith("as in the Keras example, the best of 20 seeds")


def test_a_wide_table_has_a_column_of_summaries() -> None:
    assert with_summaries(ROWS, TEXTS, 52) == [
        "NAME   SIZE   SUMMARY",
        "alpha  1 kB   word word word word word word word wo…",
        "b      20 kB",
    ]


def test_a_narrow_table_has_summaries_below() -> None:
    assert with_summaries(ROWS, TEXTS, 20) == [
        "NAME   SIZE",
        "alpha  1 kB",
        "    word word word…",
        "b      20 kB",
    ]


def test_without_a_width_nothing_is_cut() -> None:
    lines = with_summaries(ROWS, TEXTS, None)
    assert lines[1] == "alpha  1 kB   " + " ".join(["word"] * 20)
