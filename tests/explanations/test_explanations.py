"""Every code is explained, with examples that do what they say, and rendered as its golden file.

VAEZOO_UPDATE_GOLDEN=1 rewrites the golden files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from code_examples import write_files, write_spec

from tests.explanations.conftest import Perform, findings_in
from vaezoo.diagnostics import CODES, Severity
from vaezoo.diagnostics.explanations import GROUPS, Example, Explanation, explain, explanations
from vaezoo.diagnostics.explanations.page import paragraphs
from vaezoo.diagnostics.output import render
from vaezoo.registry import discover
from vaezoo.spec import validate
from vaezoo.zoo.plugin_drift import drift
from vaezoo.zoo.search import find

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("VAEZOO_UPDATE_GOLDEN"))
ALL = explanations()
IN_SPECS = [one for one in ALL if one.bad.language == "yaml"]
ON_THE_COMMAND_LINE = [one for one in ALL if one.bad.language == "console"]


def compare(code: str, rendered: str) -> None:
    path = GOLDEN / f"{code}.txt"
    if UPDATE:
        path.write_text(rendered, "utf-8")
    assert rendered == path.read_text("utf-8")


def findings(example: Example, folder: Path):
    plugins = write_files(example, folder)
    return validate(write_spec(example, folder).name, registry=discover(list(map(str, plugins))))


def test_every_code_is_explained_in_order() -> None:
    assert [one.code for one in ALL] == sorted(CODES)
    assert {one.group for one in ALL} == set(GROUPS.values())


def test_every_code_has_its_golden_file() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CODES)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.code)
def test_the_words_are_whole(one: Explanation) -> None:
    for text in (one.meaning, one.advice):
        assert text.strip() == text
        assert text[-1] in ".:" or text.splitlines()[-1].startswith("    ")
    assert not re.search(r"pydantic|traceback|TODO|@", one.meaning, re.IGNORECASE)
    assert one.advice[0].isupper()
    formulas = [part for part in paragraphs(one.meaning) if part.startswith("    ")]
    assert all(len(line) <= 80 for part in formulas for line in part.splitlines())


@pytest.mark.parametrize("one", IN_SPECS, ids=lambda one: one.code)
def test_the_bad_spec_has_that_fault_and_no_other(
    one: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = findings(one.bad, tmp_path)
    assert {finding.code for finding in found} == {one.code}, render(found)
    assert {finding.severity for finding in found} == {one.severity}
    compare(one.code, findings_in(render(found), tmp_path))


@pytest.mark.parametrize(
    "one", [one for one in ALL if one.good.language == "yaml"], ids=lambda one: one.code
)
def test_the_good_spec_has_no_fault(
    one: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = findings(one.good, tmp_path)
    assert not found, render(found)


@pytest.mark.parametrize(
    "one", [one for one in ON_THE_COMMAND_LINE if one.code != "VZ305"], ids=lambda one: one.code
)
def test_the_bad_commands_end_with_the_documented_code(one: Explanation, perform: Perform) -> None:
    shown = perform(one.code, one.bad)
    # Ctrl-C is no fault, and is told without a code
    assert one.code in shown or one.code == "VZ605"
    compare(one.code, shown)


@pytest.mark.parametrize(
    "one",
    [one for one in ALL if one.good.language == "console" and one.code != "VZ305"],
    ids=lambda one: one.code,
)
def test_the_good_commands_have_no_fault(one: Explanation, perform: Perform) -> None:
    assert perform(one.code, one.good, fails=False) == "\n"


def test_another_version_of_a_plugin_is_reported(perform: Perform, tmp_path: Path) -> None:
    """Versions belong to installed distributions, so the lock is changed, and not the plugin."""
    one = explain("VZ305")
    perform("VZ305", Example("$ vaezoo zoo show wide_vae"), fails=False)
    plugins = write_files(explain("VZ304").good, tmp_path)
    lock = find("wide_vae").lock
    for row in lock["components"]:
        if row["plugin"] == "wide":
            row |= {"version": "1.0", "distribution": "vaezoo-wide"}
    found = list(drift(lock, discover(list(map(str, plugins))), "wide_vae"))
    assert {finding.code for finding in found} == {one.code}
    compare(one.code, render(found) + "\n")


def test_lower_case_and_blanks_are_no_matter() -> None:
    assert explain(" vz203 ") is not None
    assert explain("vz203") == explain("VZ203")


def test_warnings_are_those_that_leave_a_spec_usable() -> None:
    warnings = {one.code for one in ALL if one.severity is Severity.WARNING}
    assert {code for code in CODES if "VZ410" < code < "VZ500"} <= warnings
    assert not {code for code in warnings if code < "VZ3"}
