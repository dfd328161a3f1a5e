"""Specs over specs: how they lie on each other, and who is named when a base is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.spec.conftest import GOOD, Write
from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.diagnostics.output import render
from vaezoo.spec import read, validate


def who_extends(finding: Diagnostic) -> list[str]:
    """The notes of a finding, each with its place."""
    return [
        f"{related.message} in line {related.span.start.line}, column {related.span.start.column}"
        for related in finding.related
    ]


def diamond(write: Write, base: str) -> Path:
    """A top over two sides that lie over one base."""
    write(base, "base.yaml")
    write("extends: base.yaml\ntrain: {seed: 7}\n", "left.yaml")
    write("name: right\nextends: base.yaml\n", "right.yaml")
    return write("extends: [left.yaml, right.yaml]\nname: top\n", "top.yaml")


# what they come to


def test_each_of_a_chain_lies_over_the_one_before(write: Write) -> None:
    write(GOOD, "base.yaml")
    write("extends: base.yaml\nname: middle\ntrain: {seed: 7}\n", "middle.yaml")
    spec = read(write("extends: middle.yaml\nname: top\ntrain: {batch_size: 64}\n", "top.yaml"))
    assert (spec.name, spec.train.epochs, spec.train.seed, spec.train.batch_size) == (
        "top",
        3,
        7,
        64,
    )


def test_the_common_base_of_a_diamond_undoes_nothing(write: Write) -> None:
    spec = read(diamond(write, GOOD + "summary: here\n"))
    assert (spec.name, spec.summary, spec.train.seed) == ("top", "here", 7)


# who is named


def test_a_finding_in_a_base_names_what_extends_it(write: Write) -> None:
    write(GOOD.replace("epochs: 3", "epochs: 0"), "base.yaml")
    (finding,) = validate(write("name: top\nextends: base.yaml\n", "top.yaml"))
    assert finding.span
    assert Path(finding.span.source).name == "base.yaml"
    assert who_extends(finding) == ["extended by top.yaml in line 2, column 10"]


def test_a_finding_at_the_end_of_a_chain_names_all_of_it_nearest_first(write: Write) -> None:
    write(GOOD.replace("epochs: 3", "epochs: 0"), "base.yaml")
    write("extends: base.yaml\n", "middle.yaml")
    (finding,) = validate(write("extends: [middle.yaml]\n", "top.yaml"))
    assert who_extends(finding) == [
        "extended by middle.yaml in line 1, column 10",
        "extended by top.yaml in line 1, column 11",
    ]


def test_a_finding_under_a_diamond_names_each_way_once(write: Write) -> None:
    (finding,) = validate(diamond(write, GOOD.replace("epochs: 3", "epochs: 0")))
    assert who_extends(finding) == [
        "extended by left.yaml in line 1, column 10",
        "extended by right.yaml in line 2, column 10",
        "extended by top.yaml in line 1, column 11",
        "extended by top.yaml in line 1, column 22",
    ]


def test_a_finding_in_one_side_of_a_diamond_names_the_top_alone(write: Write) -> None:
    top = diamond(write, GOOD)
    write("name: right\nextends: base.yaml\ntrain: {seed: -1}\n", "right.yaml")
    (finding,) = validate(top)
    assert who_extends(finding) == ["extended by top.yaml in line 1, column 22"]


def test_a_finding_in_the_spec_itself_names_nobody(write: Write) -> None:
    top = diamond(write, GOOD)
    top.write_text(top.read_text() + "train: {epochs: 0}\n")
    (finding,) = validate(top)
    assert who_extends(finding) == []


def test_a_warning_in_a_base_names_the_specs_that_extend_it(write: Write) -> None:
    write(GOOD.replace("ignore: [VZ412]\n", ""), "base.yaml")
    (finding,) = validate(write("name: top\nextends: base.yaml\n", "top.yaml"))
    assert finding.code == "VZ412"
    assert who_extends(finding) == ["extended by top.yaml in line 2, column 10"]


def spoil(base: Path, content: bytes) -> None:
    base.write_bytes(content)


def make_folder(base: Path) -> None:
    base.unlink()
    base.mkdir()


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda base: spoil(base, b"\xff"), "VZ102"),
        (lambda base: spoil(base, b"a: ["), "VZ103"),
        (lambda base: spoil(base, b"a: 1\na: 2\n"), "VZ104"),
        (lambda base: spoil(base, b""), "VZ108"),
        (make_folder, "VZ101"),
    ],
)
def test_an_invalid_base_is_reported_once(
    harm: Callable[[Path], None], code: str, write: Write
) -> None:
    top = diamond(write, GOOD)
    harm(top.with_name("base.yaml"))
    finding = next(one for one in validate(top) if one.code == code)
    assert len(who_extends(finding)) == 4
    assert [one.code for one in validate(top)].count(code) == 1


def test_a_missing_base_is_reported_at_its_extends_key(write: Write) -> None:
    top = diamond(write, GOOD)
    top.with_name("base.yaml").unlink()
    with pytest.raises(SpecError) as caught:
        read(top)
    assert [who_extends(finding) for finding in caught.value.diagnostics] == [
        ["extended by top.yaml in line 1, column 11"],
        ["extended by top.yaml in line 1, column 22"],
    ]


def test_a_circle_names_the_way_into_it(write: Write) -> None:
    top = diamond(write, "extends: top.yaml\n")
    (finding,) = validate(top)
    assert finding.message == (
        "these specs extend each other: top.yaml → left.yaml → base.yaml → top.yaml"
    )
    assert who_extends(finding)[0] == "extended by left.yaml in line 1, column 10"


def test_the_text_of_a_finding_shows_the_way_up(write: Write) -> None:
    write(GOOD.replace("epochs: 3", "epochs: 0"), "base.yaml")
    (finding,) = validate(write("name: top\nextends: base.yaml\n", "top.yaml"))
    assert "note: extended by top.yaml: " in render([finding])
