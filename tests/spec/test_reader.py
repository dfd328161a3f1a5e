"""From files and data to ``Spec``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.spec.conftest import GOOD, Write
from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.registry import Registry
from vaezoo.spec import Spec, from_data, read, validate


def findings(path: Path, registry: Registry, *overrides: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        read(path, overrides=overrides, registry=registry)
    return caught.value.diagnostics


def test_defaults_are_filled_in(write: Write, registry: Registry) -> None:
    spec = read(write(), registry=registry)
    assert isinstance(spec, Spec)
    assert spec.loss.use == "elbo"
    assert spec.train.optimizer.use == "adam"


def test_canonical_data_is_the_spec_again(write: Write, registry: Registry) -> None:
    spec = read(write(), registry=registry)
    again = from_data(json.loads(json.dumps(spec.canonical())), registry)
    assert again.canonical() == spec.canonical()
    assert again.training_digest() == spec.training_digest()


def test_findings_about_data_have_no_place(registry: Registry) -> None:
    with pytest.raises(SpecError) as caught:
        from_data({"vaezoo": 1, "nmae": "x"}, registry)
    assert {finding.code for finding in caught.value.diagnostics} == {"VZ201", "VZ202"}
    assert all(finding.span is None for finding in caught.value.diagnostics)


def test_data_that_is_not_json_is_a_finding(registry: Registry) -> None:
    with pytest.raises(SpecError) as caught:
        from_data({"vaezoo": {1, 2}}, registry)
    assert caught.value.diagnostics[0].code == "VZ203"


def test_extends_merges_mappings(write: Write, registry: Registry) -> None:
    write(name="base.yaml")
    over = "extends: base.yaml\nname: other\ntrain: {seed: 4}\nloss: {use: elbo, beta: 4}\n"
    spec = read(write(over), registry=registry)
    assert (spec.name, spec.train.epochs, spec.train.seed) == ("other", 3, 4)


def test_another_component_leaves_no_parameter_behind(write: Write, registry: Registry) -> None:
    write(name="base.yaml")
    over = "extends: base.yaml\nmodel:\n  encoder: {use: conv, channels: [8]}\n"
    spec = read(write(over), registry=registry)
    assert spec.model.encoder.use == "conv"


def test_parameters_over_a_short_form(write: Write, registry: Registry) -> None:
    write(GOOD + "loss: elbo\n", "base.yaml")
    spec = read(write("extends: base.yaml\nloss: {beta: 4}\n"), registry=registry)
    assert spec.canonical()["loss"]["beta"] == 4


def test_a_schedule_replaces_a_schedule(write: Write, registry: Registry) -> None:
    write(GOOD + "loss: {use: elbo, beta: {linear: [0, 1], epochs: 2}}\n", "base.yaml")
    over = "extends: base.yaml\nloss: {beta: {cosine: [0, 1], epochs: 1}}\n"
    assert read(write(over), registry=registry).loss.use == "elbo"


def test_a_chain_and_a_diamond(write: Write, registry: Registry) -> None:
    write(name="parts/root.yaml")
    write("extends: root.yaml\ntrain: {seed: 1, epochs: 9}\n", "parts/left.yaml")
    write("extends: root.yaml\ntrain: {batch_size: 8}\n", "parts/right.yaml")
    spec = read(write("extends: [parts/right.yaml, parts/left.yaml]\n"), registry=registry)
    assert (spec.train.seed, spec.train.epochs) == (1, 9)
    assert spec.train.batch_size == 8


def test_a_link_does_not_lead_out_of_the_tree(
    write: Write, registry: Registry, tmp_path: Path
) -> None:
    write(name="outside.yaml")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.yaml").symlink_to("../outside.yaml")
    path = write("extends: link.yaml\n", "in/spec.yaml")
    assert [finding.code for finding in findings(path, registry)] == ["VZ206"]


def test_a_chain_without_end_is_a_finding(write: Write, registry: Registry) -> None:
    for number in range(60):
        write(f"extends: f{number + 1}.yaml\n", f"f{number}.yaml")
    write(name="f60.yaml")
    found = findings(write("extends: f0.yaml\n"), registry)
    assert [finding.code for finding in found] == ["VZ206"]


def test_a_nul_in_a_base_is_a_finding(write: Write, registry: Registry) -> None:
    found = findings(write('extends: "\\0"\n'), registry)
    assert [finding.code for finding in found] == ["VZ206"]


@pytest.mark.parametrize("loss", ["", "loss: elbo\n", "loss: {use: elbo, beta: 3}\n"])
def test_overrides_reach_into_components_however_written(
    write: Write, registry: Registry, loss: str
) -> None:
    spec = read(write(GOOD + loss), overrides=["loss.beta=2"], registry=registry)
    assert spec.canonical()["loss"]["beta"] == 2


def test_overrides_of_all_sorts(write: Write, registry: Registry) -> None:
    path = write(GOOD + "visualizers: [samples, loss_curves]\n")
    spec = read(
        path,
        overrides=[
            "train.epochs=1",
            "model.encoder.hidden.0=7",
            "visualizers.0.n=9",
            "train.optimizer.lr=1e-2",
            "model.decoder={use: mlp, hidden: [5]}",
            "summary=a = b",
        ],
        registry=registry,
    ).canonical()
    assert spec["train"]["epochs"] == 1
    assert spec["model"]["encoder"]["hidden"] == [7]
    assert spec["visualizers"][0]["n"] == 9
    assert spec["train"]["optimizer"]["lr"] == 1e-2
    assert spec["model"]["decoder"]["hidden"] == [5]
    assert spec["summary"] == "a = b"


def test_overriding_use_drops_the_old_parameters(write: Write, registry: Registry) -> None:
    overrides = ["model.encoder.use=conv", "model.encoder.channels=[8]"]
    assert read(write(), overrides=overrides, registry=registry).model.encoder.use == "conv"


def test_an_override_is_the_place_of_its_finding(write: Write, registry: Registry) -> None:
    (finding,) = findings(write(), registry, "train.epochs=0")
    assert finding.span is not None
    assert finding.span.source == "--set train.epochs=0"
    assert finding.span.start.column == 20


def test_validate_takes_files_folders_and_globs(write: Write, tmp_path: Path) -> None:
    path = write()
    write(GOOD.replace("probe", "other").replace("epochs: 3", "epochs: 0"), "below/b.yml")
    write("no spec by itself", "below/_base.yaml")
    assert validate(path) == ()
    assert validate(str(path)) == ()
    assert [finding.code for finding in validate([tmp_path, path])] == ["VZ204"]
    assert [finding.code for finding in validate(f"{tmp_path}/*/*.yml")] == ["VZ204"]
    assert [finding.code for finding in validate(f"{tmp_path}/*.none")] == ["VZ101"]
    assert [finding.code for finding in validate(tmp_path / "none.yaml")] == ["VZ101"]


def test_two_specs_with_one_name(write: Write, tmp_path: Path) -> None:
    write(name="a.yaml")
    write(name="b.yaml")
    (finding,) = validate(tmp_path)
    assert (finding.code, str(finding.span)) == ("VZ402", f"{tmp_path}/b.yaml:2:7")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["vaezoo", "name", "dataset", "model", "loss", "train", "targets", "metrics"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(KEYS, JSON, max_size=3), below=JSON)
def test_any_data_ends_in_findings_or_a_spec(changes: dict[str, object], below: object) -> None:
    from vaezoo.registry import discover

    data: dict[str, object] = {
        "vaezoo": 1,
        "name": "probe",
        "dataset": "mnist",
        "model": {"latent": 2, "encoder": {"use": "mlp", "hidden": below}, "decoder": "mlp"},
        "loss": {"use": "elbo", "beta": below},
        "train": {"epochs": 1},
        **changes,
    }
    try:
        from_data(data, discover())
    except SpecError as error:
        assert error.diagnostics  # noqa: PT017 (either way of ending is right)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(key=st.text(max_size=12), value=st.text(max_size=12))
def test_any_override_ends_in_findings_or_a_spec(write: Write, key: str, value: str) -> None:
    for override in (f"{key}={value}", f"loss.{key}={value}", key):
        for finding in validate(write(), overrides=[override]):
            assert finding.span
