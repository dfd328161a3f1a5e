"""Faults of topologies, each found by the check for it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.conformance.faults import check, fails
from vaezoo import DiagonalGaussian, Inference, LatentSpace, Posterior, Site, Topology
from vaezoo.model import repeated
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing import TopologyConformance
from vaezoo.testing.conformance.outcome import NotApplicable

ELSEWHERE = {"test_import_budget", "test_entry_point"}


class HalvesNet(nn.Module):
    """Two sites: the prior of the second half of z depends on the first half. Sound."""

    def __init__(self, half: int) -> None:
        super().__init__()
        self.size = half
        self.line = nn.Linear(half, half)

    def posterior(self, model: Any, encoded: Tensor) -> Any:
        return model.family(encoded)

    def below(self, top: Tensor) -> DiagonalGaussian:
        mean = self.line(top)
        return DiagonalGaussian(mean, torch.zeros_like(mean))

    def sites(self, model: Any, q: DiagonalGaussian, z: Tensor) -> tuple[Site, ...]:
        top, bottom = z.chunk(2, 1)
        own = [
            DiagonalGaussian(mean, log_var)
            for mean, log_var in zip(q.mean.chunk(2, 1), q.log_var.chunk(2, 1), strict=True)
        ]
        return (
            Site("top", top, own[0], model.prior),
            Site("bottom", bottom, own[1], self.below(top)),
        )

    def infer(
        self, model: Any, encoded: Tensor, generator: torch.Generator, samples: int
    ) -> Inference:
        q = model.family(repeated(encoded, samples))
        z = q.sample(generator)
        return Inference(self.sites(model, q, z), model.family.features(z))

    def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
        top = model.prior.sample(count, generator)
        return torch.cat([top, self.below(top).sample(generator)], 1)


def topology(net: type[HalvesNet]) -> Topology:
    class Halves(Topology, use="halves"):
        """May have a fault."""

        def problem(self, posterior: Posterior, latent: Shape) -> str | None:
            return None if posterior.is_normal else "it needs normal latents"

        def prior_space(self, posterior: Posterior, latent: Shape) -> LatentSpace:
            return LatentSpace((latent[0] // 2,))

        def build(self, posterior: Posterior, latent: Shape) -> Any:
            return net(latent[0] // 2)

    return Halves()


@pytest.mark.parametrize("name", [n for n in TopologyConformance.checks() if n not in ELSEWHERE])
def test_a_sound_topology_passes(name: str) -> None:
    check(topology(HalvesNet), name.removeprefix("test_"))


def test_densities_that_are_not_those_of_the_draws() -> None:
    class Wide(HalvesNet):
        def infer(self, model: Any, encoded: Tensor, generator: Any, samples: int) -> Inference:
            q = model.family(repeated(encoded, samples))
            z = q.mean + 1.3 * (q.sample(generator) - q.mean)
            return Inference(self.sites(model, q, z), model.family.features(z))

    class Forgetful(HalvesNet):
        def sites(self, model: Any, q: DiagonalGaussian, z: Tensor) -> tuple[Site, ...]:
            return super().sites(model, q, z)[:1]

    fails(topology(Wide), "draws_follow_log_q", "log_q of the draws of the site")
    fails(topology(Wide), "kl_agrees_with_draws", "kl gives .*, draws")
    fails(topology(Forgetful), "sample_follows_log_p", "sample from the same prior")
    fails(topology(Forgetful), "gradients_reach_every_parameter", "topology.line")


def test_a_bound_below_the_elbo() -> None:
    class Cheap(DiagonalGaussian):
        def kl(self, posterior: Any) -> Any:
            return 0.5 * super().kl(posterior) - 0.1

    class Halved(HalvesNet):
        def below(self, top: Tensor) -> DiagonalGaussian:
            sound = super().below(top)
            return Cheap(sound.mean, sound.log_var)

    fails(topology(Halved), "kl_agrees_with_draws", "kl gives .*, draws")
    fails(topology(Halved), "bound_with_more_draws", "nats below the ELBO")


def test_sampling_from_another_prior() -> None:
    class Apart(HalvesNet):
        def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
            halves = [model.prior.sample(count, generator) for _ in range(2)]
            return torch.cat(halves, 1) + 0.5

    class Global(HalvesNet):
        def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
            return torch.randn(count, 2 * self.size)

    class TopOnly(HalvesNet):
        def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
            drawn: Tensor = model.prior.sample(count, generator)
            return drawn

    fails(topology(Apart), "sample_follows_log_p", "the mean of samples is")
    fails(topology(Global), "sample", "two generators with one seed")
    fails(topology(TopOnly), "sample", r"7 samples are \(7, 1\), expected \(7, 2\)")


def test_sites_of_another_shape() -> None:
    class Single(HalvesNet):
        def infer(self, model: Any, encoded: Tensor, generator: Any, samples: int) -> Inference:
            return super().infer(model, encoded, generator, 1)

    class Namesakes(HalvesNet):
        def sites(self, model: Any, q: DiagonalGaussian, z: Tensor) -> tuple[Site, ...]:
            top, _ = super().sites(model, q, z)
            return top, top

    class Empty(HalvesNet):
        def sites(self, model: Any, q: DiagonalGaussian, z: Tensor) -> tuple[Site, ...]:
            return ()

    class Infinite(HalvesNet):
        def below(self, top: Tensor) -> DiagonalGaussian:
            return DiagonalGaussian(self.line(top) / 0, torch.zeros_like(top))

    class Half(HalvesNet):
        def infer(self, model: Any, encoded: Tensor, generator: Any, samples: int) -> Inference:
            found = super().infer(model, encoded, generator, samples)
            return Inference(found.sites, found.features[:, :1])

    fails(topology(Single), "sites", r"the decoder's input is \(5, 2\)")
    fails(topology(Namesakes), "sites", "two sites have one name")
    fails(topology(Empty), "sites", "infer gives no sites")
    fails(topology(Infinite), "sites", "of the site bottom is not finite")
    fails(topology(Half), "sites", r"the decoder's input is \(5, 1\)")


def test_sites_that_contradict_their_distributions() -> None:
    class Example(HalvesNet):
        """Takes the rows for each draw where those for each example belong."""

        def infer(self, model: Any, encoded: Tensor, generator: Any, samples: int) -> Inference:
            q = model.family(encoded.repeat_interleave(samples, 0))  # the draws of one, then …
            z = q.sample(generator)
            each = model.family(encoded)
            top, bottom = self.sites(model, q, z)
            own = DiagonalGaussian(each.mean[:, : self.size], each.log_var[:, : self.size])
            first = Site("top", top.z, top.posterior, top.prior, own)
            return Inference((first, bottom), model.family.features(z))

    class Stopped(HalvesNet):
        def sites(self, model: Any, q: DiagonalGaussian, z: Tensor) -> tuple[Site, ...]:
            top, bottom = super().sites(model, q, z)
            wrong = DiagonalGaussian(top.z.detach(), torch.zeros_like(top.z))
            return Site("top", top.z, top.posterior, top.prior, stopped=lambda: wrong), bottom

    name = "sites_agree_with_their_distributions"
    fails(topology(Example), name, "put the first draw of all examples first")
    fails(topology(Stopped), name, "log_q_stopped of the site top has other values")


def test_parameters_that_the_bound_does_not_reach() -> None:
    class Idle(HalvesNet):
        def __init__(self, half: int) -> None:
            super().__init__(half)
            self.unused = nn.Parameter(torch.ones(half))

    class Held(HalvesNet):
        def below(self, top: Tensor) -> DiagonalGaussian:
            mean = self.line(top).detach()
            return DiagonalGaussian(mean, torch.zeros_like(mean))

    name = "gradients_reach_every_parameter"
    fails(topology(Idle), name, "no gradient for topology.unused")
    fails(topology(Held), name, "no gradient for topology.line.bias, topology.line.weight")


def test_a_posterior_that_is_no_distribution() -> None:
    class Tensors(HalvesNet):
        def posterior(self, model: Any, encoded: Tensor) -> Any:
            return encoded

    fails(topology(Tensors), "shapes_and_types", "not a vaezoo.LatentDistribution")


def test_a_topology_that_no_posterior_fits() -> None:
    class Never(Topology, use="never"):
        """Takes no posterior."""

        def problem(self, posterior: Posterior, latent: Shape) -> str | None:
            return f"it needs {math.prod(latent) + 1} latents"

        def build(self, posterior: Posterior, latent: Shape) -> Any: ...

    with pytest.raises(NotApplicable, match=r"it needs 3 latents.*set `posterior`"):
        check(Never(), "sites")


class UpwardNet(nn.Module):
    """q(z₁|x) q(z₂|z₁), and p(z₂) p(z₁|z₂). Sound."""

    estimated = True

    def __init__(self, latent: Shape) -> None:
        super().__init__()
        self.up, self.down = (nn.Linear(latent[0], latent[0]) for _ in range(2))

    def posterior(self, model: Any, encoded: Tensor) -> Any:
        return model.family(encoded)

    def infer(
        self, model: Any, encoded: Tensor, generator: torch.Generator, samples: int
    ) -> Inference:
        lower = model.family(repeated(encoded, samples))
        z = lower.sample(generator)
        upper = unit(self.up(z))
        above = upper.sample(generator)
        sites = (
            Site("upper", above, upper, model.prior),
            Site("lower", z, lower, unit(self.down(above)), estimated=self.estimated),
        )
        return Inference(sites, model.family.features(z))

    def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
        return unit(self.down(model.prior.sample(count, generator))).sample(generator)


def unit(mean: Tensor) -> DiagonalGaussian:
    return DiagonalGaussian(mean, torch.zeros_like(mean))


def upward(net: type[UpwardNet]) -> Topology:
    class Upward(Topology, use="upward"):
        """May have a fault."""

        def build(self, posterior: Posterior, latent: Shape) -> Any:
            return net(latent)

    return Upward()


def test_a_closed_kl_given_draws_that_depend_on_z() -> None:
    check(upward(UpwardNet), "kl_agrees_with_draws")

    class Closed(UpwardNet):
        estimated = False

    fails(upward(Closed), "kl_agrees_with_draws", "needs estimated=True")


def test_samples_are_compared_where_q_is_narrow() -> None:
    check(upward(UpwardNet), "sample_follows_log_p")

    class Constant(UpwardNet):
        def sample(self, model: Any, count: int, generator: torch.Generator) -> Tensor:
            return 5 + super().sample(model, count, generator)

    fails(upward(Constant), "sample_follows_log_p", "sample from the same prior")
