"""A matrix: one file for many specs, each full, named and checked."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.spec.conftest import GOOD, Write
from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.registry import Registry
from vaezoo.spec import expand, read, validate
from vaezoo.spec.matrix import MAX_COMBINATIONS, plain
from vaezoo.spec.member_names import member_names
from vaezoo.spec.reader import Reading, examine
from vaezoo.spec.spec import NAME_PATTERN
from vaezoo.system.yaml_writer import resolved_text

#: a spec that the lint has nothing to say about, in ten lines
PLAIN = GOOD.replace("train:", "  likelihood: continuous_bernoulli\ntrain:").replace(
    "ignore: [VZ412]\n", ""
)
GRID = PLAIN + "matrix:\n  loss.beta: [1, 4]\n  model.latent: [2, 10]\n"


def names(path: Path, *overrides: str) -> list[str]:
    return [spec.name for spec in expand(path, overrides=overrides)]


def found(path: Path, registry: Registry, *overrides: str) -> list[tuple[str, str]]:
    """Code and place of every finding."""
    reading = examine(path, overrides=overrides, registry=registry)
    return [(finding.code, place(finding)) for finding in reading.findings]


def place(finding: Diagnostic) -> str:
    assert finding.span
    return f"{Path(finding.span.source).name}:{finding.span.start.line}:{finding.span.start.column}"


def test_every_combination_is_a_full_spec_of_its_own_name(write: Write) -> None:
    specs = expand(write(GRID))
    assert [spec.name for spec in specs] == [
        "probe-beta1-latent2",
        "probe-beta1-latent10",
        "probe-beta4-latent2",
        "probe-beta4-latent10",
    ]
    betas = [(spec.canonical()["loss"]["beta"], spec.model.latent) for spec in specs]
    assert betas == [(1, 2), (1, 10), (4, 2), (4, 10)]


def test_a_file_without_a_matrix_stands_for_itself(write: Write) -> None:
    assert names(write(PLAIN)) == ["probe"]


def test_a_key_that_is_set_nowhere_can_be_varied(write: Write) -> None:
    text = PLAIN + "matrix: {train.early_stopping.patience: [3, 5]}\n"
    stopping = [spec.train.early_stopping for spec in expand(write(text))]
    assert [one.patience for one in stopping if one] == [3, 5]


def test_the_matrix_may_set_a_required_key(write: Write) -> None:
    text = PLAIN.replace("  latent: 2\n", "") + "matrix: {model.latent: [2, 3]}\n"
    assert [spec.model.latent for spec in expand(write(text))] == [2, 3]


def test_a_component_is_varied_before_its_parameters_however_they_are_ordered(
    write: Write,
) -> None:
    text = PLAIN + (
        "matrix:\n  model.encoder.activation: [tanh, elu]\n  model.encoder.use: [mlp, conv]\n"
    )
    encoders = [spec.canonical()["model"]["encoder"] for spec in expand(write(text))]
    assert [one["use"] for one in encoders] == ["mlp", "conv", "mlp", "conv"]
    words = [json.dumps(one["activation"]) for one in encoders]
    assert [("tanh" in word, "elu" in word) for word in words] == [(True, False)] * 2 + [
        (False, True)
    ] * 2


def test_items_of_a_list_that_is_a_default_can_be_varied(write: Write) -> None:
    specs = expand(write(PLAIN + "matrix: {visualizers.1.n: [4, 9]}\n"))
    assert [spec.name for spec in specs] == ["probe-n4", "probe-n9"]
    assert [spec.canonical()["visualizers"][1]["n"] for spec in specs] == [4, 9]


# --set


def test_set_on_a_varied_key_replaces_its_values_and_keeps_the_names(write: Write) -> None:
    path = write(GRID)
    assert names(path, "loss.beta=4") == ["probe-beta4-latent2", "probe-beta4-latent10"]
    assert names(path, "loss.beta=3", "model.latent=2") == ["probe-beta3-latent2"]


def test_set_above_a_varied_key_lies_under_it_and_inside_of_one_over_it(write: Write) -> None:
    text = PLAIN + "matrix: {model.encoder.hidden: [[5], [7]]}\n"
    specs = expand(write(text), overrides=["model.encoder={use: mlp, activation: tanh}"])
    assert [spec.canonical()["model"]["encoder"]["hidden"] for spec in specs] == [[5], [7]]
    text = PLAIN + "matrix: {model.encoder: [mlp, conv]}\n"
    specs = expand(write(text), overrides=["model.encoder.activation=tanh"])
    assert ["tanh" in json.dumps(spec.canonical()["model"]["encoder"]) for spec in specs] == [
        True,
        True,
    ]


def test_an_axis_can_be_given_on_the_command_line(write: Write) -> None:
    assert names(write(PLAIN), "matrix.loss.beta=[1, 2]") == ["probe-beta1", "probe-beta2"]
    assert len(names(write(GRID), "matrix.train.seed=[0, 1, 2]")) == 12
    assert names(write(GRID), "matrix=null") == ["probe"]


def test_errors_of_an_override_are_located_in_the_argument(
    write: Write, registry: Registry
) -> None:
    (finding,) = examine(write(PLAIN), overrides=["matrix.loss.beta=4"], registry=registry).findings
    assert finding.code == "VZ208"
    assert finding.span
    assert finding.span.source == "--set matrix.loss.beta=4"


# extends


def test_the_matrix_of_a_base_is_merged_axis_by_axis(write: Write) -> None:
    write(GRID, "base.yaml")
    child = "extends: base.yaml\nname: child\nmatrix: {loss.beta: [8], train.seed: [0, 1]}\n"
    assert names(write(child)) == [
        "child-beta8-latent2-seed0",
        "child-beta8-latent2-seed1",
        "child-beta8-latent10-seed0",
        "child-beta8-latent10-seed1",
    ]


def test_null_does_without_the_matrix_of_a_base(write: Write) -> None:
    write(GRID, "base.yaml")
    assert names(write("extends: base.yaml\nname: child\nmatrix: null\n")) == ["child"]


def test_a_fault_in_the_matrix_of_a_base_points_there_and_names_the_child(
    write: Write, registry: Registry
) -> None:
    write(GRID.replace("[1, 4]", "[1, -4]"), "base.yaml")
    path = write("extends: base.yaml\nname: child\n", "child.yaml")
    (finding,) = examine(path, registry=registry).findings
    assert (finding.code, place(finding)) == ("VZ204", "base.yaml:12:18")
    assert [related.message for related in finding.related][-1] == "extended by child.yaml"


# findings


def test_an_error_of_several_members_is_one_finding_at_its_cause(
    write: Write, registry: Registry
) -> None:
    seeds = ", ".join(map(str, range(50)))
    text = PLAIN + f"matrix:\n  train.seed: [{seeds}]\n  loss.beta: [1, -1]\n"
    assert found(write(text), registry) == [("VZ204", "spec.yaml:13:18")]


def test_an_error_of_every_member_stays_at_its_location(write: Write, registry: Registry) -> None:
    text = GRID.replace("epochs: 3", "epochs: 0")
    assert found(write(text), registry) == [("VZ204", "spec.yaml:10:11")]


def test_a_collision_of_two_values_names_both(write: Write, registry: Registry) -> None:
    text = PLAIN + (
        "  early_stopping: {patience: 2}\n"
        "matrix:\n  train.validation: [0.1, 0]\n  train.early_stopping: [null, {patience: 1}]\n"
    )
    (finding,) = examine(write(text), registry=registry).findings
    assert (finding.code, place(finding)) == ("VZ402", "spec.yaml:14:9")
    assert [related.message for related in finding.related] == [
        "with train.validation = 0",
        'with train.early_stopping = {"patience": 1}',
    ]


def test_a_fault_found_elsewhere_says_where_it_shows(write: Write, registry: Registry) -> None:
    text = PLAIN.replace(
        "{use: mlp, hidden: [400]}\n  dec", "{use: conv, channels: [8, 8], kernel: [3, 3]}\n  dec"
    )
    path = write(text + "matrix: {model.encoder.channels: [[8, 8], [8]], train.seed: [0, 1]}\n")
    (finding,) = examine(path, registry=registry).findings
    assert (finding.code, place(finding)) == ("VZ401", "spec.yaml:11:43")
    assert finding.message.endswith("(in 2 of 4 members)")


def test_members_share_their_names_with_no_other_spec(write: Write, tmp_path: Path) -> None:
    write(GRID, "grid.yaml")
    write(PLAIN.replace("probe", "probe-beta4-latent2"), "other.yaml")
    (finding,) = validate(tmp_path)
    assert finding.code == "VZ402"
    assert "'probe-beta4-latent2'" in finding.message


def test_there_is_a_largest_grid(write: Write, registry: Registry) -> None:
    betas = MAX_COMBINATIONS // 64
    text = (
        PLAIN + f"matrix:\n  train.seed: {list(range(64))}\n  loss.beta: {list(range(betas + 1))}\n"
    )
    errors = examine(write(text), registry=registry).errors
    assert [error.code for error in errors] == ["VZ208"]
    assert "4,160 combinations" in errors[0].message


def test_a_large_spec_has_a_smaller_grid(write: Write, registry: Registry) -> None:
    targets = "".join(
        f"  - {{metric: test/kl, value: 1, tolerance: 1, source: s{n}}}\n" for n in range(1000)
    )
    text = PLAIN + f"targets:\n{targets}matrix: {{train.seed: {list(range(400))}}}\n"
    reading = examine(write(text), registry=registry)
    assert [f.code for f in reading.findings] == ["VZ208"]
    assert "specs of" in reading.findings[0].message


def test_reading_a_matrix_as_one_spec_is_rejected(write: Write) -> None:
    with pytest.raises(SpecError, match=r"VZ208.*a matrix of 4 specs"):
        read(write(GRID))
    assert read(write(GRID), overrides=["loss.beta=1", "model.latent=2"]).model.latent == 2


# properties

AXES: st.SearchStrategy[tuple[str, list[Any]]] = st.sampled_from(
    [
        ("loss.beta", [0, 0.5, 1, 4, {"linear": [0, 1], "epochs": 3}]),
        ("model.latent", [1, 2, 10]),
        ("train.seed", [0, 1, 2**40]),
        ("model.encoder.hidden", [[1], [2, 3], [400]]),
        (
            "model.encoder.activation",
            ["relu", "tanh", {"use": "leaky_relu", "negative_slope": 0.1}],
        ),
        ("train.optimizer", ["adam", "sgd", {"use": "adam", "lr": 0.01}]),
        ("train.gradient_clip", [None, 1, 0.25]),
    ]
)


@st.composite
def grids(draw: st.DrawFn) -> dict[str, list[Any]]:
    chosen = draw(st.lists(AXES, max_size=3, unique_by=lambda axis: axis[0]))
    return {
        key: draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique_by=json.dumps))
        for key, values in chosen
    }


def reading_of(write: Write, registry: Registry, grid: dict[str, list[object]]) -> Reading:
    text = PLAIN + (f"matrix: {json.dumps(grid)}\n" if grid else "")
    return examine(write(text), registry=registry)


PROPERTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@PROPERTY
@given(grids())
def test_there_are_as_many_members_as_combinations_each_by_another_name(
    write: Write, registry: Registry, grid: dict[str, list[object]]
) -> None:
    reading = reading_of(write, registry, grid)
    rows = list(itertools.product(*grid.values()))
    assert [[n.data() for n in m.values.values()] for m in reading.members] == [
        list(row) for row in rows
    ]
    found = [spec.name for spec in reading.specs]
    assert len(set(found)) == len(rows)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in found)


@PROPERTY
@given(grids())
def test_the_output_of_show_reads_back_as_the_same_specs(
    write: Write, registry: Registry, grid: dict[str, list[object]]
) -> None:
    reading = reading_of(write, registry, grid)
    printed = write(resolved_text(reading.resolved()), "printed.yaml")
    again = examine(printed, registry=registry)
    assert [s.canonical() for s in again.specs] == [s.canonical() for s in reading.specs]
    assert again.resolved() == reading.resolved()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.from_regex(NAME_PATTERN, fullmatch=True),
    st.lists(VALUES, min_size=1, max_size=8, unique_by=lambda v: json.dumps(v, sort_keys=True)),
)
def test_member_names_are_valid_and_distinct_for_any_values(
    base: str, values: list[object]
) -> None:
    apart = list({plain(value): value for value in values}.values())
    found = member_names(base, [("loss", "beta")], [[value] for value in apart])
    assert len(set(found)) == len(apart)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in found)


def test_names_tell_axes_with_one_last_word_apart() -> None:
    paths = [("model", "encoder", "hidden"), ("model", "decoder", "hidden")]
    assert member_names("x", paths, [[[4], [8, 2]]]) == ["x-encoder_hidden4-decoder_hidden8_2"]
    (name,) = member_names("x", [("train", "optimizer", "lr")], [[1e-05]])
    assert name == "x-lr1e-5"
