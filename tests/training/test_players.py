"""A loss with a player: a discriminator with an objective and an optimizer of its own."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers import built_in, registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from tests.runs.shell import Shell
from tests.training.factor_vae import FactorVAE, KeptFactorVAE
from vaezoo.diagnostics import PluginError, RunError
from vaezoo.model import VAE, build
from vaezoo.registry import Batch, ImageShape
from vaezoo.spec import from_data
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, train
from vaezoo.training.checkpoint import FILE, TrainingState
from vaezoo.training.ensemble.train import ensemble_problem
from vaezoo.training.execution.players_step import PlayersStep
from vaezoo.training.execution.step import ScheduledValues
from vaezoo.training.loop import build_loss_module
from vaezoo.training.players import build_players

CPU = torch.device("cpu")
NOW = ScheduledValues({"gamma": 4.0}, lr=1e-2, players={"discriminator": 1e-2})


class Watching(Observer):
    def __init__(self, stop_after=None):
        self.stop_after = stop_after

    def execution_chosen(self, execution):
        self.execution = execution

    def finished_epoch(self, record):
        if record.epoch == self.stop_after:
            raise KeyboardInterrupt


def spec_of(loss="factor_vae", *losses, **changes):
    registry = registry_with(Blobs, FactorVAE, KeptFactorVAE, *losses)
    return from_data(spec_data(loss=loss, **changes), registry)


def run(spec, directory, observer=None, **options):
    data = spec.dataset.build()
    observer = observer or Observer()
    return train(spec, data, device=CPU, directory=directory, observer=observer, **options)


def state_of(spec, model, lr):
    loss = build_loss_module(spec, CPU)
    optimizer = built_in("optimizer", "sgd", lr=1e-2).build(model.parameters(), lr)
    order, noise = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    return loss, TrainingState(model, optimizer, order, noise, players=build_players(spec, loss))


def test_a_stopped_run_resumes_to_the_byte(tmp_path):
    spec = spec_of(train={"epochs": 6})
    whole = run(spec, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path / "parts", Watching(stop_after=3))
    tensors, _ = safetensors_io.load(tmp_path / "parts" / FILE)
    assert "player.discriminator.module.0.weight" in tensors
    assert "player.discriminator.optimizer.0.exp_avg" in tensors
    resumed = run(spec, tmp_path / "parts")
    state = [safetensors_io.digest(one.model.state_dict()) for one in (whole, resumed)]
    assert state[0] == state[1]
    players = [safetensors_io.load(tmp_path / one / FILE)[0] for one in ("whole", "parts")]
    assert safetensors_io.digest(players[0]) == safetensors_io.digest(players[1])
    told_apart = [record.train["player.discriminator"] for record in whole.history]
    assert told_apart == [record.train["player.discriminator"] for record in resumed.history]


def test_each_objective_moves_only_its_own_parameters():
    spec = spec_of()
    images = spec.dataset.build().train.images[:32]
    model = build(spec).train()
    loss, state = state_of(spec, model, 1e-2)
    expected = {}
    for term, owner in (("objective", model), ("player.discriminator", loss.players)):
        trial, own = copy.deepcopy((model, loss))
        noise = torch.Generator().manual_seed(2)
        terms = own(trial, Batch(images / 255), NOW.weights, noise)
        terms[term].mean().backward()
        moved = trial if owner is model else own.players
        expected[term] = [parameter.grad for parameter in moved.parameters()]
    step = PlayersStep(spec, state, loss)
    before = copy.deepcopy(list(model.parameters()) + list(loss.parameters()))
    step(Batch(step.prepare(images)), NOW)
    for term, owner in (("objective", model), ("player.discriminator", loss.players)):
        for parameter, gradient in zip(owner.parameters(), expected[term], strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
    after = list(model.parameters()) + list(loss.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True) if a.abs().sum())


class Twice(nn.Module):
    """An encoder whose two latents have the same mean: the brightness."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, images):
        brightness = 8 * (images.flatten(1).mean(1) - 0.3) * self.scale
        mean = brightness[:, None].expand(-1, 2)
        return torch.stack([mean, torch.full_like(mean, -4.0)], 1)


def test_the_discriminator_learns_to_tell_dependent_latents_apart():
    spec = spec_of()
    generator = torch.Generator().manual_seed(0)
    levels = torch.rand(256, 1, 1, 1, generator=generator)
    images = (levels * torch.ones(1, 1, 6, 6) * 153).to(torch.uint8)
    decoder = build(spec).decoder
    likelihood, prior = built_in("likelihood", "bernoulli"), built_in("prior", "standard_normal")
    shape = ImageShape(1, 6, 6)
    model = VAE(shape, 2, Twice(), decoder, likelihood.build(shape), prior.build(build(spec).space))
    loss, state = state_of(spec, model, 0.0)
    step = PlayersStep(spec, state, loss)
    still = ScheduledValues({"gamma": 4.0}, lr=0.0, players={"discriminator": 1e-2})

    def accuracy():
        with torch.no_grad():
            z = model.posterior(images / 255).sample(generator)
            other = torch.stack([z[:, 0], z[torch.randperm(256, generator=generator), 1]], 1)
            right = (loss.logit(z) > 0).double().mean() + (loss.logit(other) < 0).double().mean()
        return right.item() / 2

    assert accuracy() == pytest.approx(0.5, abs=0.1)
    for _ in range(200):
        step(Batch(step.prepare(images)), still)
    assert accuracy() > 0.8


def test_steps_with_players_are_eager(tmp_path):
    watching = Watching()
    run(spec_of(), tmp_path / "a", watching)
    assert watching.execution.reason == "its loss has players"
    with pytest.raises(RunError, match="cannot be compiled: its loss has players"):
        run(spec_of(), tmp_path / "b", compile="on")
    seeds = [spec_of(train={"seed": seed}) for seed in (0, 1)]
    assert ensemble_problem(seeds) == "their loss has players"


def test_the_seed_determines_the_players(tmp_path):
    torch.manual_seed(1)
    first = run(spec_of(), tmp_path / "a")
    torch.manual_seed(2)
    again = run(spec_of(), tmp_path / "b")
    assert first.history[0].train == again.history[0].train


class Empty(FactorVAE, use="empty"):
    """Has no module for its player."""

    def build(self):
        net = super().build()
        del net.players["discriminator"]
        return net


class Silent(FactorVAE, use="silent"):
    """Returns no objective of its player."""

    def build(self):
        inner = super().build()

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.players = inner.players

            def forward(self, *arguments):
                terms = inner(*arguments)
                return {name: terms[name] for name in ("objective", "reconstruction", "kl")}

        return Net()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            Empty,
            "the player 'discriminator' of the loss 'empty' of the plugin tests 1 has no",
        ),
        (Silent, "it returns no 'player.discriminator', but objective, reconstruction, kl"),
    ],
)
def test_a_player_needs_parameters_and_an_objective(tmp_path, loss, message):
    with pytest.raises(PluginError, match=message):
        run(spec_of(loss.use, loss), tmp_path)


@pytest.mark.parametrize("loss", ["factor_vae", "kept_factor_vae"])
def test_the_entry_keeps_players_only_if_the_loss_says_so(loss, tmp_path, monkeypatch, capsys):
    shell = Shell(tmp_path, monkeypatch, capsys)
    plugin = ("--plugin", "tests.training.factor_vae")
    shell.run(shell.write(loss=loss), *plugin)
    weights = tmp_path / "zoo" / "small" / "model.safetensors"
    kept = {name for name in safetensors_io.load(weights)[0] if name.startswith("players.")}
    assert bool(kept) == (loss == "kept_factor_vae")
    done = shell.inside("verify", "small", *plugin)
    assert done.code == 0, done.out + done.err
