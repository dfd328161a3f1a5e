"""Every Python listing about plugins loads, builds and trains."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import vaezoo
from tests.docs.conftest import Block, blocks, write_named
from vaezoo.cli.commands import cli
from vaezoo.model import build
from vaezoo.registry import Batch, Component, ImageShape, LatentSpace, Registry, discover
from vaezoo.spec import read
from vaezoo.testing.conformance.kinds import BY_KIND

PLUGINS = blocks("python", "plugins.md")
README = [block for block in blocks("python", "README.md") if block.name]
IMAGE = ImageShape(3, 6, 5)
LATENT, BATCH = (4,), 7


def loaded(block: Block, folder: Path) -> Registry:
    """The registry with a listing as a working plugin."""
    registry = discover(list(map(str, write_named([block], folder))))
    assert [plugin.error for plugin in registry.plugins if plugin.error] == []
    return registry


@pytest.mark.parametrize("block", [*PLUGINS, *README], ids=str)
def test_listing_keeps_its_contract(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
    assert block.name, "begin the listing with a line such as '# my_plugin.py'"
    name = block.name.removesuffix(".py")
    registry = loaded(block, tmp_path)
    supplied = [r.component for r in registry.components() if r.plugin.name == name]
    assert supplied or "vaezoo_run_finished" in block.text
    for component in supplied:
        assert component.__doc__
        assert all(field.description for field in component.model_fields.values())
        CHECKS[component.kind](component())


def check_dataset(dataset: Any) -> None:
    data = dataset.build()
    for split in (data.train, data.test):
        assert split.images.dtype == torch.uint8
        assert split.images.shape[1:] == tuple(dataset.image_shape)
        assert split.labels.shape == (len(split.images),)
    assert data.digest == dataset.build().digest != type(dataset)(seed=1).build().digest


def check_encoder(encoder: Any) -> None:
    for output in ((2, *LATENT), (3, 2, 2)):
        made = encoder.build(IMAGE, output)(torch.rand(BATCH, *IMAGE))
        assert made.shape == (BATCH, *output)


def check_posterior(posterior: Any) -> None:
    conforms(
        posterior,
        "builds_on_meta",
        "distribution",
        "density_integrates_to_one",
        "draws_follow_the_density",
    )
    conforms(posterior, "entropy_against_monte_carlo", "what_it_says_of_itself")


def check_topology(topology: Any) -> None:
    conforms(topology, "sites", "draws_follow_log_q", "sample_follows_log_p", "sample")


def conforms(component: Any, *checks: str) -> None:
    conformance = BY_KIND[component.kind]()
    conformance.component = component
    for check in checks:
        getattr(conformance, f"test_{check}")()


def check_decoder(decoder: Any) -> None:
    for latents in (LATENT, (3, 2, 2)):
        made = decoder.build(latents, IMAGE)(torch.randn(BATCH, *latents))
        assert made.shape == (BATCH, *IMAGE)


def check_likelihood(likelihood: Any) -> None:
    channels = likelihood.parameters_per_pixel * IMAGE.channels
    parameters = torch.randn(BATCH, channels, *IMAGE[1:])
    module = likelihood.build(IMAGE)
    assert module.log_prob(torch.rand(BATCH, *IMAGE), parameters).shape == (BATCH,)
    assert module.mean(parameters).shape == (BATCH, *IMAGE)
    # a density of one pixel integrates to 1
    x = torch.linspace(-60, 60, 240_001).view(-1, 1, 1, 1)
    one = torch.tensor([0.3] * likelihood.parameters_per_pixel).view(1, -1, 1, 1)
    density = module.log_prob(x, one.expand(len(x), -1, 1, 1)).exp()
    assert torch.trapezoid(density, x.flatten()).item() == pytest.approx(1, abs=1e-4)


def check_prior(prior: Any) -> None:
    module = prior.build(LatentSpace(LATENT))
    z = module.sample(BATCH, torch.Generator().manual_seed(0))
    assert torch.equal(z, module.sample(BATCH, torch.Generator().manual_seed(0)))
    assert z.shape == (BATCH, *LATENT)
    assert module.log_prob(z).shape == (BATCH,)
    line = torch.linspace(-15, 15, 3001)
    density = prior.build(LatentSpace((1,))).log_prob(line[:, None]).exp()
    assert torch.trapezoid(density, line).item() == pytest.approx(1, abs=1e-4)


def check_optimizer(optimizer: Any) -> None:
    parameter = torch.nn.Parameter(torch.ones(1))
    built = optimizer.build([parameter], 0.5)
    parameter.sum().backward()
    built.step()
    assert parameter.item() < 1
    assert built.param_groups[0]["lr"] == 0.5


def checked_in_a_run(component: Component) -> None:
    """Losses, metrics and visualizers need a model: see the run below."""


CHECKS: dict[str, Callable[[Any], None]] = {
    "dataset": check_dataset,
    "encoder": check_encoder,
    "posterior": check_posterior,
    "topology": check_topology,
    "decoder": check_decoder,
    "likelihood": check_likelihood,
    "prior": check_prior,
    "optimizer": check_optimizer,
    "loss": checked_in_a_run,
    "metric": checked_in_a_run,
    "visualizer": checked_in_a_run,
}


def test_all_listings_train_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = write_named(PLUGINS, tmp_path)
    write_named(blocks("yaml", "plugins.md"), tmp_path)
    registry = discover(list(map(str, files)))
    assert {r.component.kind for r in registry.components() if r.plugin.version == "file"} == set(
        CHECKS
    )

    spec = read("bars_vae.yaml", registry=registry)
    terms = spec.loss.build()(
        build(spec),
        Batch(torch.rand(5, 1, 8, 8)),
        {"gamma": 2.0, "capacity": 1.0},
        torch.Generator(),
    )
    expected = terms["reconstruction"] + 2 * (terms["kl"] - 1).abs()
    torch.testing.assert_close(terms["objective"], expected)
    assert terms["kl"].shape == (5,)

    entry = vaezoo.run("bars_vae.yaml", zoo=tmp_path / "zoo", device="cpu", registry=registry)
    assert (entry.path / "figures/center.png").is_file()
    assert 0 < entry.metrics.figure("test/pixel_error").value < 1
    assert entry.metrics.targets[0]["verdict"] == "reproduced"
    assert entry.load(registry, "cpu").sample(2).shape == (2, 1, 8, 8)

    chained = vaezoo.run("bars_chain.yaml", zoo=tmp_path / "zoo", device="cpu", registry=registry)
    topology: Any = chained.load(registry, "cpu").topology
    assert topology.slopes.abs().min() > 0
    printed = capsys.readouterr().out
    assert "bars_vae is published in" in printed
    assert "bars_chain is published in" in printed

    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 1]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A folder with a journal of two epochs and the plugin that reads it."""
    write_named(PLUGINS, tmp_path)
    (tmp_path / "journal.jsonl").write_text("{}\n{}\n")
    return tmp_path


def test_command_from_plugins_variable(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_PLUGINS", str(journal / "journal.py"))
    result = CliRunner().invoke(cli, ["journal", str(journal / "journal.jsonl")])
    assert result.output == "2 epochs\n"


def test_command_from_plugin_option(journal: Path) -> None:
    arguments = ["--plugin", str(journal / "journal.py"), "journal"]
    result = CliRunner().invoke(cli, [*arguments, str(journal / "journal.jsonl")])
    assert result.output == "2 epochs\n"


@pytest.mark.slow
def test_commands_that_inspect_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_named(PLUGINS, tmp_path)
    (block,) = (one for one in blocks("sh", "plugins.md") if "plugins list" in one.text)
    for line in block.text.splitlines():
        program, *arguments = line.split()
        assert program == "vaezoo"
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
        assert done.exception is None, line
        assert "linear" in done.output or line == "vaezoo doctor"
        if "check" not in line:  # slow; once is enough
            json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).output)
