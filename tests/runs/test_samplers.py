"""A run fits the sampler of its spec and publishes it with the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import vaezoo
from tests.helpers import small_spec
from tests.runs.shell import PLUGIN as BLOBS
from tests.runs.shell import Shell, wait_for_line
from vaezoo.registry import discover
from vaezoo.spec.difference import Effect, compare
from vaezoo.system import safetensors_io

MIXTURE = {"use": "gaussian_mixture", "components": 4}
PLUGIN = '''
import torch
from torch import nn
from vaezoo import Sampler, hookimpl

class Net(nn.Module):
    def __init__(self, latent, trained=False):
        super().__init__()
        self.latent = latent
        self.scale = nn.Parameter(torch.zeros(latent))

    def sample(self, count, generator):
        return self.scale * torch.randn(count, *self.latent, generator=generator)

class Scaled(Sampler, use="scaled"):
    """A normal distribution whose deviations are found by gradient descent."""

    how: str = "well"
    latents = "means"

    def build(self, space):
        return Net(space.shape)

    def fit(self, latents, labels, model, generator):
        assert len(labels) == len(latents) == 72 and model.training is False
        if self.how == "raise":
            raise ZeroDivisionError("no room for it")
        net = Net(latents.shape[1:])
        optimizer = torch.optim.SGD(net.parameters(), 0.5)
        for _ in range(50):
            optimizer.zero_grad()
            ((net.scale - latents.std(0)) ** 2).sum().backward()
            optimizer.step()
        if self.how == "nan":
            net.scale.data.fill_(float("nan"))
        if self.how == "nothing":
            return None
        return net

class Half(Sampler, use="half"):
    """Half of the prior's deviation; nothing to fit."""

    needs_fit = False

    def build(self, space):
        net = Net(space.shape)
        net.scale.data.fill_(0.5)
        return net

@hookimpl
def vaezoo_components():
    return [Scaled, Half]
'''


def entry_of(shell: Shell, name: str = "small") -> Path:
    return shell.folder / "zoo" / name


def loaded(shell: Shell) -> Any:
    return vaezoo.Entry(entry_of(shell), "small").load(discover([str(BLOBS)]))


def notes_of(shell: Shell) -> list[str]:
    found: list[str] = json.loads((entry_of(shell) / "metrics.json").read_text())["notes"]
    return found


@pytest.mark.parametrize("sampler", [MIXTURE, {"use": "aggregated_posterior", "points": 40}])
@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_loading_gives_the_samples_of_the_run(
    shell: Shell, sampler: dict[str, Any], weights: str
) -> None:
    spec = shell.write(sampler=sampler, publish={"weights": weights}, visualizers=["samples"])
    done = shell.run(spec)
    images = 40 if "points" in sampler else 72
    use = sampler["use"]
    assert f"fitting the sampler {use} to {images} training images" in done.err
    tensors, _ = safetensors_io.load(entry_of(shell) / "model.safetensors")
    stored = {name for name in tensors if name.startswith("sampler.")}
    assert {tensors[name].dtype for name in stored} == {getattr(torch, weights)}
    model = loaded(shell)
    assert {f"sampler.{name}" for name in model.sampler.state_dict()} == stored
    assert model.samplers == (use, "prior")
    assert torch.equal(model.sample(20), loaded(shell).sample(20))
    assert not torch.equal(model.sample(20), model.sample(20, sampler="prior"))
    assert (
        f"Latents are drawn by the sampler `{use}`" in (entry_of(shell) / "README.md").read_text()
    )
    verified = shell.inside("verify", "small")
    assert verified.code == 0, verified.out + verified.err


def test_two_runs_give_the_same_bytes_and_the_model_is_that_of_the_prior(shell: Shell) -> None:
    first, second, plain = (shell.folder / name for name in ("a", "b", "c"))
    spec = shell.write(sampler=MIXTURE)
    for zoo in (first, second):
        shell.run(spec, "--zoo", str(zoo))
    shell.run(shell.write(), "--zoo", str(plain))
    files = [(zoo / "small" / "model.safetensors") for zoo in (first, second, plain)]
    assert files[0].read_bytes() == files[1].read_bytes()
    with_sampler, without = (safetensors_io.load(file)[0] for file in files[1:])
    assert all(torch.equal(with_sampler[name], value) for name, value in without.items())
    assert "sampler" not in json.dumps(list(without))


def test_sample_chooses_the_sampler(shell: Shell) -> None:
    shell.run(shell.write(sampler=MIXTURE))
    done = shell.inside("sample", "small", "--n", "8", "--out", "own.npy")
    assert done.code == 0, done.err
    assert "(seed 0, mean images, sampler gaussian_mixture)" in done.out + done.err
    for name in ("gaussian_mixture", "prior"):
        out = f"{name}.npy"
        done = shell.inside("sample", "small", "--n", "8", "--sampler", name, "--out", out)
        assert done.code == 0, done.err
        assert f"sampler {name})" in done.out + done.err
    own, mixture, prior = (
        (shell.folder / f"{name}.npy").read_bytes() for name in ("own", "gaussian_mixture", "prior")
    )
    assert own == mixture != prior
    wrong = shell.inside("sample", "small", "--sampler", "gaussian_mixtur")
    assert wrong.code == 2
    assert "small has no sampler 'gaussian_mixtur'" in wrong.err
    assert "did you mean 'gaussian_mixture'? samplers: gaussian_mixture, prior" in wrong.err


@pytest.fixture
def plugin(shell: Shell) -> str:
    path = shell.folder / "scaled.py"
    path.write_text(PLUGIN)
    return str(path)


def test_a_sampler_of_a_plugin_is_fitted_and_loaded(shell: Shell, plugin: str) -> None:
    shell.run(shell.write(sampler="scaled"), "--plugin", plugin)
    tensors, header = safetensors_io.load(entry_of(shell) / "model.safetensors")
    assert tensors["sampler.scale"].shape == (2,)
    assert tensors["sampler.scale"].abs().min() > 0
    assert json.loads(header["lock"])["sampler"] == "scaled"
    out = ("--out", "samples.png")
    done = shell.inside("sample", "small", "--plugin", plugin, *out)
    assert done.code == 0, done.err
    missing = shell.inside("sample", "small", *out, "--force")
    assert missing.code == 1
    assert "small needs the sampler 'scaled' of the plugin scaled" in missing.err


def test_a_sampler_without_anything_to_fit(shell: Shell, plugin: str) -> None:
    done = shell.run(shell.write(sampler="half"), "--plugin", plugin)
    assert "fitting" not in done.err
    found = shell.inside("sample", "small", "--plugin", plugin)
    assert "sampler half" in found.out + found.err


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("raise", "ZeroDivisionError: no room for it"),
        ("nan", "ValueError: its samples are not finite"),
        ("nothing", "TypeError: fit gave NoneType, build Net"),
    ],
)
def test_a_failed_fit_does_not_cost_the_model(
    shell: Shell, plugin: str, how: str, cause: str
) -> None:
    done = shell.run(shell.write(sampler={"use": "scaled", "how": how}), "--plugin", plugin)
    note = f"the sampler scaled was not fitted: {cause}; samples are drawn from the prior"
    assert f"warning: {note}" in done.err
    assert notes_of(shell) == [note]
    tensors, _ = safetensors_io.load(entry_of(shell) / "model.safetensors")
    assert not [name for name in tensors if name.startswith("sampler.")]
    found = shell.inside("sample", "small", "--plugin", plugin)
    assert found.code == 0, found.err
    assert "sampler" not in found.out + found.err
    verified = shell.inside("verify", "small", "--plugin", plugin)
    assert verified.code == 0, verified.out


@pytest.mark.slow
def test_a_run_killed_after_the_fit_resumes_to_the_same_bytes(shell: Shell) -> None:
    spec = shell.write(sampler=MIXTURE, visualizers=["samples"])
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "computing test figures")
        process.kill()
    assert not entry_of(shell).exists()
    assert shell.call("run", spec, "--device", "cpu").code == 0
    shell.run(spec, "--zoo", "other")
    one, other = (shell.folder / zoo / "small" / "model.safetensors" for zoo in ("zoo", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_migration_keeps_the_sampler(shell: Shell) -> None:
    shell.run(shell.write(sampler=MIXTURE))
    before = loaded(shell).sample(10)
    spec = shell.write(sampler=MIXTURE, summary="Now with a summary.")
    done = shell.inside("zoo", "migrate", "small", "--spec", spec)
    assert done.code == 0, done.err
    assert torch.equal(loaded(shell).sample(10), before)
    other = shell.write(sampler="prior")
    refused = shell.inside("zoo", "migrate", "small", "--spec", other)
    assert refused.code == 2
    assert "sampler" in refused.err


def test_a_stopped_run_may_change_its_sampler(shell: Shell) -> None:
    (change,) = compare(small_spec(), small_spec(sampler=MIXTURE)).changes
    assert (change.path, change.effect) == ("sampler", Effect.RESUME)
