"""Warnings: their severity and place, and how a spec says that it means what they doubt."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.helpers import registry_with
from tests.spec.lint.conftest import QUIET
from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations import explanations
from vaezoo.registry import Dataset, ImageShape, Registry, Visualizer
from vaezoo.spec import read, validate
from vaezoo.spec.lint import lint
from vaezoo.spec.spec import LintCode, Spec

GREY = QUIET.replace("gaussian", "bernoulli")


def test_a_quiet_spec_has_no_warning(codes) -> None:
    assert codes() == []


def test_a_warning_has_a_position_and_a_hint_to_silence_it(found) -> None:
    (warning,) = found("model.likelihood=bernoulli")
    assert warning.severity is Severity.WARNING
    assert str(warning.span) == "--set model.likelihood=bernoulli:1:24"
    assert warning.hint.endswith("if this is intended, write ignore: [VZ412]")


def test_a_warning_about_a_default_points_to_its_section(write, registry: Registry) -> None:
    path = write(QUIET.replace("  likelihood: gaussian\n", ""))
    (warning,) = validate(path, registry=registry)
    assert warning.code == "VZ412"
    assert warning.span.start.line == 5


def test_a_spec_with_a_warning_can_be_used(write, registry: Registry) -> None:
    assert read(write(GREY), registry=registry).model.likelihood.use == "bernoulli"


def test_an_ignored_warning_is_silent(write, registry: Registry) -> None:
    assert validate(write(GREY + "ignore: [VZ412]\n"), registry=registry) == ()


def test_ignoring_silences_one_code_only(write, registry: Registry) -> None:
    path = write(GREY + "ignore: [VZ411]\n")
    assert [f.code for f in validate(path, registry=registry)] == ["VZ412", "VZ420"]


def test_an_unused_ignore_is_reported_at_its_position(write, registry: Registry) -> None:
    (finding,) = validate(write(QUIET + "ignore:\n  - VZ412\n"), registry=registry)
    assert finding.code == "VZ420"
    assert finding.severity is Severity.WARNING
    assert (finding.span.start.line, finding.span.start.column) == (12, 5)


def test_a_base_may_ignore_for_others(write, registry: Registry) -> None:
    write(GREY + "ignore: [VZ412]\n", "_base.yaml")
    child = write("extends: _base.yaml\nvaezoo: 1\nname: child\nmodel: {likelihood: gaussian}\n")
    assert validate(child, registry=registry) == ()
    alike = write("extends: _base.yaml\nvaezoo: 1\nname: alike\n", "alike.yaml")
    assert validate(alike, registry=registry) == ()


def test_a_matrix_may_ignore_for_some_members(write, registry: Registry) -> None:
    grid = "matrix: {model.likelihood: [bernoulli, gaussian]}\n"
    path = write(QUIET + grid + "ignore: [VZ412]\n")
    assert validate(path, registry=registry) == ()
    path = write(QUIET + grid + "ignore: [VZ412, VZ418]\n")
    assert [f.code for f in validate(path, registry=registry)] == ["VZ420"]


@pytest.mark.parametrize("code", ["VZ203", "VZ420", "VZ999", "vz412"])
def test_only_codes_of_the_lint_can_be_ignored(write, registry: Registry, code: str) -> None:
    (finding,) = validate(write(f"{QUIET}ignore: [{code}]\n"), registry=registry)
    assert finding.code == "VZ204"
    assert code in finding.message


def test_every_warning_of_the_lint_can_be_ignored() -> None:
    warnings = {e.code for e in explanations() if e.severity is Severity.WARNING}
    lints = {code for code in warnings if "VZ411" <= code < "VZ420"}
    assert set(get_args(LintCode)) == lints


def test_ignoring_changes_neither_the_model_nor_its_checkpoint(write, registry: Registry) -> None:
    plain = read(write(GREY), registry=registry)
    quiet = read(write(GREY + "ignore: [VZ412]\n"), registry=registry)
    assert quiet.ignore == ("VZ412",)
    assert quiet.canonical() == plain.canonical()
    assert quiet.training_digest() == plain.training_digest()


class Failing(Dataset, use="failing"):
    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 8, 8)

    @property
    def binary(self) -> bool | None:
        raise OSError("no such disk")

    def build(self):
        raise NotImplementedError


class Clumsy(Visualizer, use="clumsy"):
    def problem(self, spec: Spec) -> str | None:
        raise KeyError(spec.name)

    def draw(self, context):
        raise NotImplementedError


def test_a_failing_component_is_a_finding_at_its_location(found) -> None:
    faults = found(
        "dataset=failing", "visualizers=[clumsy]", registry=registry_with(Failing, Clumsy)
    )
    assert [fault.code for fault in faults] == ["VZ303", "VZ303"]
    assert (
        "the dataset 'failing' of the plugin tests 1 failed: OSError: no such disk"
        in faults[0].message
    )
    assert (
        "the visualizer 'clumsy' of the plugin tests 1 failed: KeyError: 'quiet'"
        in faults[1].message
    )
    assert [fault.span.source[:12] for fault in faults] == ["--set datase", "--set visual"]


def test_without_a_document_warnings_have_no_place(write, registry: Registry) -> None:
    (warning,) = lint(read(write(GREY), registry=registry))
    assert (warning.code, warning.span) == ("VZ412", None)
