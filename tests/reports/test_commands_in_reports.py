"""The commands that a report prints find its entries."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reports.conftest import blocks
from vaezoo.registry import discover
from vaezoo.reports.blocks import Listing, ReportDocument
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.subject import Subject, subject
from vaezoo.reports.two_entries import report_of_two
from vaezoo.zoo.search import shipped_folder

NAMES = ("mnist_mlp2", "mnist_mlp20")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo that commands find only by --zoo."""
    monkeypatch.delenv("VAEZOO_ZOO", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        shutil.copytree(shipped_folder() / name, Path("other zoo", name))
    return Path("other zoo")


def commands(document: ReportDocument) -> list[str]:
    listings = [block.text for block in blocks(document) if isinstance(block, Listing)]
    return [line for text in listings for line in text.splitlines() if line.startswith("vaezoo ")]


def subject_of(name: str | Path, zoo: Path | None = None) -> Subject:
    return subject(name, zoo, "cpu", discover())


def test_commands_name_the_zoo_of_an_entry(elsewhere: Path) -> None:
    one, other = (subject_of(name, elsewhere) for name in NAMES)
    assert commands(report_of(one)) == [
        "vaezoo run mnist_mlp2.yaml",
        "vaezoo verify mnist_mlp2 --zoo 'other zoo'",
        "vaezoo sample mnist_mlp2 --zoo 'other zoo' --n 50",
        "vaezoo report mnist_mlp2 --zoo 'other zoo' --pdf",
    ]
    assert commands(report_of_two(one, other))[2:] == [
        "vaezoo verify mnist_mlp2 mnist_mlp20 --zoo 'other zoo'",
        "vaezoo report mnist_mlp2 mnist_mlp20 --zoo 'other zoo' --pdf",
    ]


def test_commands_name_no_zoo_where_a_name_suffices(elsewhere: Path) -> None:
    shipped = subject_of(shipped_folder() / NAMES[0])
    assert "vaezoo verify mnist_mlp2" in commands(report_of(shipped))
    weights = subject_of(elsewhere / NAMES[0] / "model.safetensors")
    assert commands(report_of(weights))[1:] == [
        "vaezoo sample 'other zoo/mnist_mlp2/model.safetensors' --n 50",
        "vaezoo report 'other zoo/mnist_mlp2/model.safetensors' --pdf",
    ]
