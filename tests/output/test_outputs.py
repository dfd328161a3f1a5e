"""``--format`` and ``--output`` put together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.output.findings import many
from vaezoo.cli.output_files import Outputs, append_step_summary, pair
from vaezoo.diagnostics import ZooError
from vaezoo.diagnostics.output import formatted

PAIRS = {
    "": ("text", []),
    "-f json": ("json", []),
    "-f text -f text": ("text", []),
    "-f sarif -o out.sarif": (None, ["sarif out.sarif"]),
    "-f sarif -o out.json": (None, ["sarif out.json"]),
    "-f sarif -o report": (None, ["sarif report"]),
    "-f text -o report": (None, ["text report"]),
    "-o out.sarif": ("text", ["sarif out.sarif"]),
    "-o out.json": ("text", ["json out.json"]),
    "-o JUNIT.XML": ("text", ["junit JUNIT.XML"]),
    "-o sarif=out.json": ("text", ["sarif out.json"]),
    "-f github -o out.sarif -o junit.xml": ("github", ["sarif out.sarif", "junit junit.xml"]),
    "-f text -f sarif -o out.sarif": ("text", ["sarif out.sarif"]),
    "-f text -f sarif -f json -o sarif=a.json -o json=b.json": (
        "text",
        ["sarif a.json", "json b.json"],
    ),
    "-f text -o junit.xml": ("text", ["junit junit.xml"]),
    "-o sarif=a -o sarif=b": ("text", ["sarif a", "sarif b"]),
    "-o text=report.xml": ("text", ["text report.xml"]),
    "-o ./a=b.json": ("text", ["json ./a=b.json"]),
    "-o json=a=b.json": ("text", ["json a=b.json"]),
}

REFUSED = {
    "-f text -f json": "cannot print both text and json; .* --output json=FILE",
    "-f json -f sarif -o out.json": "is ambiguous: write FORMAT=out.json",
    "-o report": "is ambiguous: write FORMAT=report",
    "-o sarif": "is ambiguous: .*; to print sarif, write --format sarif",
    "-o sarf=out.json": "'sarf' is not a format; did you mean 'sarif'?",
    "-o json=a.json -o sarif=./a.json": "two reports have the same output file",
    "-o -": "'-' is not a file",
    "-o sarif=": "'' is not a file",
    "-o json=folder/": "'folder/' is not a file",
}


def paired(line: str) -> Outputs:
    words = line.split()
    values = list(zip(words[::2], words[1::2], strict=True))
    formats = [value for option, value in values if option == "-f"]
    return pair(formats, [value for option, value in values if option == "-o"])


@pytest.mark.parametrize("line", PAIRS)
def test_a_format_is_printed_or_written(line: str) -> None:
    printed, files = PAIRS[line]
    expected = [tuple(file.split()) for file in files]
    outputs = paired(line)
    assert outputs.printed == printed
    assert list(outputs.files) == [(name, Path(file)) for name, file in expected]


@pytest.mark.parametrize("line", REFUSED)
def test_ambiguous_options_are_rejected(line: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[line]):
        paired(line)


def test_files_are_written_whole(tmp_path: Path) -> None:
    outputs = Outputs("text", (("json", tmp_path / "a.json"), ("junit", tmp_path / "b.xml")))
    assert outputs.formats == {"text", "json", "junit"}
    outputs.write(many(3))
    assert (tmp_path / "a.json").read_text() == formatted(many(3), "json")
    assert sorted(os.listdir(tmp_path)) == ["a.json", "b.xml"]


def test_an_unwritable_output_does_not_prevent_the_others(tmp_path: Path) -> None:
    missing, there = tmp_path / "no" / "a.json", tmp_path / "b.xml"
    with pytest.raises(ZooError) as caught:
        Outputs(None, (("json", missing), ("junit", there))).write(many(3))
    (finding,) = caught.value.diagnostics
    assert finding.code == "VZ503"
    assert str(missing) in finding.message
    assert there.exists()


def test_a_step_summary_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    append_step_summary(many(3), path)
    text = path.read_text()
    assert text.startswith("before\n### vaezoo validate\n")
    with pytest.raises(ZooError, match="VZ503"):
        append_step_summary(many(3), tmp_path)
