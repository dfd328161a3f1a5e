"""``vaezoo plugins pairs``: every posterior with every prior."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from vaezoo.cli.commands import cli
from vaezoo.registry import discover
from vaezoo.testing.conformance.pairs import KLForm, pairs

PLUGIN = '''
import math
from vaezoo import LatentSpace, Posterior, Prior, hookimpl

class Unknown(Posterior, use="unknown_entropy"):
    """Normal latents of deviation 1 that do not say their entropy."""

    def encoder_output(self, latent):
        return latent

    def build(self, latent):
        import torch
        from torch import nn
        from vaezoo import LatentDistribution

        class Unit(LatentDistribution):
            def __init__(self, mean):
                self._mean = mean

            @property
            def mean(self):
                return self._mean

            def sample(self, generator):
                return self.mean + torch.randn(self.mean.shape, generator=generator)

            def log_prob(self, z):
                return -0.5 * ((z - self.mean) ** 2 + math.log(2 * math.pi)).flatten(1).sum(1)

        class Family(nn.Module):
            def forward(self, parameters):
                return Unit(parameters)

            def features(self, z):
                return z

        return Family()

class Grids(Unknown, use="grids"):
    """Codes on a grid."""

    def shape_problem(self, latent):
        return None if len(latent) == 3 else "it needs a grid of latents"

    def space(self, latent):
        return LatentSpace(latent, "code", 4)

class Broken(Prior, use="broken"):
    """Cannot be built."""

    def build(self, space):
        raise RuntimeError("no such thing")

@hookimpl
def vaezoo_components():
    return [Unknown, Grids, Broken]
'''


def plugin(folder: Path) -> str:
    path = folder / "pairs_plugin.py"
    path.write_text(PLUGIN, "utf-8")
    return str(path)


def test_every_posterior_with_every_prior(tmp_path: Path) -> None:
    registry = discover([plugin(tmp_path)])
    found = {(pair.posterior, pair.prior): pair for pair in pairs(registry)}
    assert {name for name, _ in found} == {
        r.component.use for r in registry.components("posterior")
    }
    assert {name for _, name in found} == {r.component.use for r in registry.components("prior")}
    for posterior in ("diagonal_gaussian", "full_covariance", "laplace"):
        assert found[posterior, "standard_normal"].kl is KLForm.CLOSED
    assert found["unknown_entropy", "standard_normal"].kl is KLForm.BY_DRAWS
    codes = found["grids", "standard_normal"]
    assert (codes.kl, codes.reason) == (
        KLForm.NO_FIT,
        "it is for real latents, and the latents are code",
    )
    broken = found["laplace", "broken"]
    assert broken.kl is KLForm.FAILED
    assert "no such thing" in broken.reason


def test_the_command(tmp_path: Path) -> None:
    arguments = ["--plugin", plugin(tmp_path), "plugins", "pairs"]
    done = CliRunner().invoke(cli, arguments)
    lines = [line.split(maxsplit=2) for line in done.output.splitlines()]
    assert done.output.split()[:4] == ["POSTERIOR", "PRIOR", "KL", "REASON"]
    assert ["laplace", "standard_normal", "closed"] in lines
    assert ["unknown_entropy", "standard_normal", "by draws"] in lines
    listed = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).output)
    assert {
        "posterior": "laplace",
        "prior": "standard_normal",
        "kl": "closed",
        "reason": "",
    } in listed
    help_page = CliRunner().invoke(cli, ["plugins", "pairs", "--help"]).output
    assert "Example: vaezoo plugins pairs" in help_page
