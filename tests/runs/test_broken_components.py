"""A component that breaks its contract is named, before training where that is possible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from tests.runs.broken_parts import FAULTY
from vaezoo.diagnostics import PluginError, SpecError, VaezooError
from vaezoo.model.shape_check import shape_findings
from vaezoo.runs.run import run
from vaezoo.spec import Spec, from_data
from vaezoo.training import Observer

#: What is said of each component, without the component's label.
SAID = {
    "encoder_tuple": "its output is 2 values, not a tensor (B, *output)",
    "encoder_half": "its output is float16, expected float32",
    "encoder_integers": "its output is int64, expected float32",
    "encoder_nan": "its output is nan with the initial weights",
    "encoder_detached": "its output has no gradient, so its weights would not be trained",
    "encoder_numpy": "its output is a ndarray, not a tensor",
    "encoder_wide": "its output has the shape (3, 4, 2), expected (B, *output) = (3, 2, 2)",
    "encoder_none": "build returned None, not an nn.Module",
    "encoder_raises": "KeyError: 'broken'",
    "decoder_tuple": "its output is 2 values, not a tensor",
    "decoder_half": "its output is float16, expected float32",
    "decoder_integers": "its output is int64, expected float32",
    "decoder_nan": "its output is nan with the initial weights",
    "decoder_detached": "its output has no gradient",
    "decoder_numpy": "its output is a ndarray, not a tensor",
    "decoder_wide": "expected (B, P·C, H, W)",
    "prior_NoKL": "its module NoKL has no method kl",
    "prior_ByLatent": "log_prob has the shape (3, 2), expected (B,) = (3)",
    "prior_Infinite": "log p(z) is",
    "prior_OneSample": "what it samples has the shape (2), expected (count, *latent) = (2, 2)",
    "likelihood_scalar": "log_prob has the shape (), expected (B,) = (3)",
    "likelihood_nan": "log p(x|z) is nan with the initial weights",
    "loss_scalars": "the term objective has the shape (), expected (B,)",
    "loss_missing": "its terms lack kl",
    "loss_tuple": "it returns 3 values, not a dictionary of its terms",
    "loss_tensor": "it returns one tensor, not a dictionary of its terms",
    "loss_none": "it returns None, not a dictionary of its terms",
    "loss_floats": "the term objective is a float, not a tensor (B,)",
    "loss_double": "the term objective is float64, expected float32",
    "loss_text": "the term remark is a str, not a tensor (B,)",
    "loss_raises": "KeyError: 'broken'",
    "loss_flipped": "its objective falls when the reconstruction gets worse",
    "loss_detached": "its objective has no gradient in the encoder",
    "loss_nan": "the term objective is nan with the initial weights",
    "loss_random": "it draws from torch's global generator",
    "loss_no_encoder": "its objective has no gradient in the encoder",
    "loss_no_module": "build returns None, not an nn.Module",
    "loss_unbuilt": "KeyError: 'broken'",
    "optimizer_none": "build returned None, not a torch.optim.Optimizer",
    "optimizer_raises": "KeyError: 'broken'",
    "optimizer_step": "ValueError: the step fails",
    "metric_none": "compute returned None, not a list of figures",
    "metric_one": "compute returned a Figure, not a list of figures",
    "metric_dictionary": "compute returned a dict in its list, not a vaezoo.Figure",
    "metric_no_value": "the value of mine is None",
    "metric_tensor": "the value of mine is a Tensor; use float(…)",
    "metric_text": "the value of mine is a str",
    "metric_spaces": "'my figure' is not a name of a figure",
    "metric_taken": "'elbo' is already a figure of 'elbo'",
    "metric_exits": "SystemExit: 3",
}
#: What is said of a class that cannot be used at all.
REFUSED = {
    "likelihood_method": "its parameters_per_pixel is a method, but must be a value",
    "default_range": "the default of its field width, -5, is invalid",
    "default_type": "the default of its field width, 'wide', is invalid",
    "default_code": "its parameters cannot be stored",
    "open_model": "its field width accepts misspelt keys",
}
BEFORE_TRAINING = [name for name in SAID if not name.startswith(("optimizer", "metric"))]


def spec_with(use: str) -> Spec:
    kind, registry = FAULTY[use].kind, registry_with(Blobs, *FAULTY.values())
    changes: dict[str, Any] = {kind: use}
    if kind in ("encoder", "decoder", "prior", "likelihood"):
        changes = {"model": {kind: use}}
    elif kind == "optimizer":
        changes = {"train": {kind: use, "epochs": 1}}
    elif kind == "metric":
        changes = {"metrics": ["elbo", use], "train": {"epochs": 1}}
    return from_data(spec_data(**changes), registry)


def test_every_faulty_component_is_tested() -> None:
    assert {*SAID, *REFUSED, "loss_hidden"} == set(FAULTY)


@pytest.mark.parametrize("use", SAID)
def test_a_run_names_the_component_and_its_fault(
    use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    registry = registry_with(Blobs, *FAULTY.values())
    with pytest.raises((SpecError, PluginError)) as caught:
        run(spec_with(use), zoo=tmp_path / "zoo", registry=registry)
    message = caught.value.diagnostics[0].message
    assert SAID[use] in message
    assert f"the {FAULTY[use].kind} {use!r} of the plugin tests" in message
    assert not (tmp_path / "zoo" / "small").exists()


@pytest.mark.parametrize("use", BEFORE_TRAINING)
def test_validate_with_shapes_says_the_same(use: str) -> None:
    first, *_ = shape_findings(spec_with(use))
    assert SAID[use] in first.message
    assert first.code in ("VZ303", "VZ401")


@pytest.mark.parametrize("use", REFUSED)
def test_a_class_that_cannot_be_used_is_refused(use: str) -> None:
    with pytest.raises(VaezooError) as caught:
        spec_with(use)
    (finding,) = caught.value.diagnostics
    assert finding.code == "VZ303"
    assert REFUSED[use] in finding.message
    assert use in finding.message


def test_one_bad_class_leaves_the_others_of_its_plugin_usable() -> None:
    spec = from_data(spec_data(), registry_with(Blobs, *FAULTY.values()))
    assert shape_findings(spec) == []


class Warned(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warned(self, message: str) -> None:
        self.said.append(message)


def test_terms_of_another_model_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss reports a KL 5 nats too small; the published ELBO is that of the model."""
    monkeypatch.chdir(tmp_path)
    observer = Warned()
    registry = registry_with(Blobs, *FAULTY.values())
    entry = run(
        spec_with("loss_hidden"), zoo=tmp_path / "zoo", registry=registry, observer=observer
    )
    (said,) = observer.said
    assert said.startswith("the loss loss_hidden reports an ELBO of ")
    assert said in entry.metrics.notes
    assert said in (entry.path / "README.md").read_text(encoding="utf-8")


def test_an_honest_loss_is_not_doubted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    observer = Warned()
    spec = from_data(spec_data(loss={"use": "elbo", "beta": 4.0}), registry_with(Blobs))
    run(spec, zoo=tmp_path / "zoo", registry=registry_with(Blobs), observer=observer)
    assert observer.said == []
