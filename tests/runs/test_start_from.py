"""``start_from``: train from the weights of an entry or a weights file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.helpers import small_spec
from tests.runs.shell import Shell
from vaezoo.diagnostics import RunError, SpecError
from vaezoo.model import build
from vaezoo.model.starting_weights import StartingWeights
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, train

CPU = torch.device("cpu")
ONE_EPOCH = {"epochs": 1, "optimizer": {"use": "sgd", "lr": 1e-9, "momentum": 0.0}}


def tensors_of(entry: Path) -> dict[str, torch.Tensor]:
    return safetensors_io.load(entry / "model.safetensors")[0]


def test_a_run_starts_from_an_entry_and_its_lock_says_so(shell: Shell) -> None:
    shell.run(shell.write(name="first"))
    first = shell.folder / "zoo" / "first"
    file = str(first / "model.safetensors")
    for name, start in (("by-name", "first"), ("by-file", file)):
        shell.run(shell.write(name=name, train=ONE_EPOCH, start_from=start))
        entry = shell.folder / "zoo" / name
        for key, value in tensors_of(entry).items():  # steps of 1e-9 change almost nothing
            torch.testing.assert_close(value, tensors_of(first)[key], rtol=1e-5, atol=1e-6)
        header = safetensors_io.read_header(entry / "model.safetensors")
        assert json.loads(header["lock"])["start_from"] == {
            "name": "first",
            "digest": safetensors_io.digest(tensors_of(first)),
            "parts": ["encoder", "posterior", "topology", "decoder", "likelihood", "prior"],
        }
        assert json.loads(header["spec"])["start_from"] == start


def test_parts_alone_are_loaded(shell: Shell) -> None:
    shell.run(shell.write(name="first"))
    start = {"entry": "first", "parts": ["encoder"]}
    decoder = {"decoder": {"use": "mlp", "hidden": [5]}}
    spec = shell.write(name="second", model=decoder, train=ONE_EPOCH, start_from=start)
    shell.run(spec)
    second, first = (tensors_of(shell.folder / "zoo" / name) for name in ("second", "first"))
    for key, value in second.items():
        if key.startswith("encoder."):
            torch.testing.assert_close(value, first[key], rtol=1e-5, atol=1e-6)
        elif key in first:
            assert value.shape != first[key].shape or not torch.equal(value, first[key])


def test_weights_that_do_not_fit_are_refused_before_training(shell: Shell) -> None:
    shell.run(shell.write(name="first"))
    decoder = {"decoder": {"use": "mlp", "hidden": [5]}}
    done = shell.inside("run", shell.write(name="second", model=decoder, start_from="first"))
    assert done.code == 1
    assert "error[VZ402]: the weights of first do not fit this model" in done.err
    assert "decoder.body.0.weight is 8×2 in first, and 5×2 in this model" in done.err
    assert "parts: [encoder" in done.err
    assert not list((shell.folder / "runs").glob("second-*"))


def test_an_unknown_entry_is_refused_before_training(shell: Shell) -> None:
    done = shell.inside("run", shell.write(start_from="nothing"))
    assert (done.code, "VZ501" in done.err) == (2, True)


def starting(spec, seed, parts=("encoder", "decoder")):
    tensors = build(spec, seed=seed).state_dict()
    return StartingWeights("other", safetensors_io.digest(tensors), tensors, parts)


class StopAfterOne(Observer):
    def finished_epoch(self, record):
        raise KeyboardInterrupt


def run(spec, directory, start, observer=None):
    data = spec.dataset.build()
    return train(
        spec, data, device=CPU, directory=directory, observer=observer or Observer(), start=start
    )


def test_a_changed_source_is_refused_on_resume(tmp_path):
    spec = small_spec(start_from={"entry": "other", "parts": ["encoder", "decoder"]})
    straight = run(spec, tmp_path / "straight", starting(spec, 5))
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path / "stopped", starting(spec, 5), StopAfterOne())
    with pytest.raises(RunError, match=r"VZ604.*starting weights"):
        run(spec, tmp_path / "stopped", starting(spec, 6))
    resumed = run(spec, tmp_path / "stopped", starting(spec, 5))
    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)


def test_the_training_digest_covers_the_start():
    plain, named = small_spec(), small_spec(start_from="other")
    assert plain.training_digest() != named.training_digest()
    assert small_spec(start_from={"entry": "other"}).training_digest() == named.training_digest()


def test_differing_tensors_are_named():
    spec = small_spec()
    start = starting(spec, 5)
    tensors = dict(start.tensors)
    tensors["encoder.more"] = torch.zeros(3)
    missing = sorted(tensors)[0]
    del tensors[missing]
    changed = StartingWeights("other", "", tensors, ["encoder", "decoder"])
    with pytest.raises(SpecError) as error:
        changed.load_into(build(spec))
    assert "encoder.more is only in other" in str(error.value)
    assert f"{missing} is not in other" in str(error.value)


def test_a_spec_with_a_start_needs_its_weights(tmp_path):
    with pytest.raises(TypeError, match="starting weights"):
        run(small_spec(start_from="other"), tmp_path, None)
