"""JUnit XML, read by a parser of JUnit's files and by a strict parser of XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from junitparser import Failure, JUnitXml, TestCase, TestSuite

from tests.output.findings import at, many, nasty
from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.diagnostics.output import Report, formatted

ROOT = Path("/srv/tree")


def suite(report: Report) -> TestSuite:
    """The one suite of a report."""
    content = formatted(report, "junit", ROOT).encode()
    ElementTree.fromstring(content)
    (found,) = JUnitXml.fromstring(content)
    assert isinstance(found, TestSuite)
    return found


def cases(report: Report) -> dict[str | None, TestCase]:
    return {case.name: case for case in suite(report)}


def test_each_spec_is_a_test() -> None:
    found = suite(many(2))
    assert (found.name, found.tests, found.failures, found.errors) == ("vaezoo validate", 3, 2, 0)
    assert [case.name for case in found] == ["0.yaml", "1.yaml", "2.yaml"]
    assert [case.is_passed for case in found] == [False, False, True]


def test_the_errors_of_a_spec_are_one_failure() -> None:
    one = Diagnostic("VZ204", "too small", at("/srv/tree/a.yaml", 3, 5, 8), hint="more")
    two = Diagnostic("VZ203", "wrong", at("/srv/tree/a.yaml", 4, 5, 8))
    (case,) = suite(Report({"/srv/tree/a.yaml": (one, two)}))
    (failure,) = case.result
    assert isinstance(failure, Failure)
    assert (case.name, failure.type) == ("a.yaml", "VZ204")
    assert failure.message == "too small (and 1 more)"
    assert failure.text
    assert "error[VZ204]: too small" in failure.text
    assert "a.yaml:3:5-7" in failure.text
    assert "help: more" in failure.text
    assert "error[VZ203]: wrong" in failure.text


def test_warnings_are_no_failure() -> None:
    warning = Diagnostic("VZ402", "careful", severity=Severity.WARNING)
    (case,) = suite(Report({"a.yaml": (warning,)}))
    assert case.is_passed
    assert case.system_out
    assert "warning[VZ402]: careful" in case.system_out
    (strict,) = suite(Report({"a.yaml": (warning,)}).strict())
    assert not strict.is_passed


def test_odd_characters_are_legal() -> None:
    found = cases(nasty())
    assert found.keys() >= {"/elsewhere/x.yaml"}
    (failing,) = (case for name, case in found.items() if name and "a, b:c%d.yaml" in name)
    (failure,) = failing.result
    assert failure.message.startswith("50% <b>`x`</b> | a, b: c")
    assert failure.text
    assert "]]> &amp;" in failure.text
