"""Topologies: every latent variable has a density, and sampling follows the same model."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from vaezoo.model import VAE, LatentDistribution, Trace
from vaezoo.registry import Batch, Posterior, Prior, Topology
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing.conformance import partners
from vaezoo.testing.conformance.density_checks import ERRORS
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance, seeded
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.tiny_models import SMALL, small_model

#: images, draws for one image, and draws in an importance-weighted bound
_BATCH, _DRAWS, _BOUND = 5, 10_000, 20
#: the least effective share of weighted draws: the weights of fewer have no useful mean
_LEAST_EFFECTIVE = 0.2
#: sizes of the encoder's output at which q is compared with the prior
_DISTANCES = (0.4, 0.1, 0.0)
#: draws for a KL: sites of fresh networks depend little on each other
_MANY_DRAWS = 200_000


class TopologyConformance(NetworkConformance):
    """``class TestMine(TopologyConformance): component = Mine(layers=2)``.

    The topology is built as part of a small model, for each of ``latents``. ``posterior`` and
    ``prior`` are those of the model, by default the first that fit.
    """

    kind: ClassVar[str] = "topology"
    component: Topology
    latents: tuple[Shape, ...] = ((2,), (6,))
    posterior: Posterior | None = None
    prior: Prior | None = None

    def cases(self) -> list[Case]:
        return [self._case(latent) for latent in self.latents]

    def test_gradients_reach_every_parameter(self) -> None:
        """The ELBO reaches encoder, decoder and every parameter of the topology."""
        for latent in self.latents:
            missed: set[str] | None = None
            for seed in range(3):
                model = self._model(latent, seed).train()
                trace = _trace(model, _images(_BATCH), 1)
                (trace.reconstruction + trace.kl).mean().backward()
                now = _unreached(model)
                missed = now if missed is None else missed & now
            require(
                not missed, f"latent {latent}: no gradient for {', '.join(sorted(missed or ()))}"
            )

    def test_compiles_in_one_graph(self) -> None:
        """Its networks are compiled with the training step, which gives the generator."""
        raise NotApplicable("a topology draws by a generator; a run says whether it compiles")

    def test_compiles_natively(self) -> None:
        """Its networks are compiled with the training step, which gives the generator."""
        raise NotApplicable("a topology draws by a generator; a run says whether it compiles")

    def test_sites(self) -> None:
        """With one draw and with three, sites have finite densities of the promised shapes."""
        for latent in self.latents:
            model = self._model(latent)
            features = model.spec.model.decoder_input
            for samples in (1, 3):
                trace, rows = _trace(model, _images(_BATCH), samples), samples * _BATCH
                names = [site.name for site in trace.sites]
                require(names, "infer gives no sites")
                require(len(set(names)) == len(names), f"two sites have one name: {names}")
                _require("the decoder's input", trace.inference.features, (rows, *features))
                for site in trace.sites:
                    require(
                        len(site.z) == rows,
                        f"{samples} draws for {_BATCH} images: z of the site {site.name} has "
                        f"{len(site.z)} rows, expected {rows}",
                    )
                    for name in ("log_q", "log_p", "log_q_stopped"):
                        _require(f"{name} of the site {site.name}", getattr(site, name), (rows,))
                    kl = site.kl(samples)
                    _require(f"the KL of the site {site.name}", kl, (_BATCH, *kl.shape[1:2]))
                for name, penalty in trace.inference.penalties.items():
                    _require(f"the penalty {name!r}", penalty, (_BATCH,))

    def test_sites_agree_with_their_distributions(self) -> None:
        """``each`` is the posterior with a row per example, and ``stopped`` has its values."""
        for latent in self.latents:
            for site in _trace(self._model(latent), _images(_BATCH), 3).sites:
                require(
                    torch.allclose(site.log_q, site.log_q_stopped, rtol=1e-3, atol=1e-3),
                    f"log_q_stopped of the site {site.name} has other values than log_q",
                )
                if site.each is None:
                    continue
                by_draw = torch.cat([site.each.log_prob(z) for z in site.z.split(_BATCH)])
                require(
                    torch.allclose(by_draw, site.log_q, rtol=1e-3, atol=1e-3),
                    f"`each` of the site {site.name} is not its posterior; leave it out where q "
                    "depends on the draws, and put the first draw of all examples first",
                )

    def test_draws_follow_log_q(self) -> None:
        """log q is distributed for the draws of a site as for new draws of its posterior."""
        for latent in self.latents:
            for site in _trace_of_one(self._model(latent)).sites:
                with torch.no_grad():
                    again = site.posterior.sample(torch.Generator().manual_seed(8))
                    distance = _distance(site.log_q, site.posterior.log_prob(again))
                require(
                    distance < 2.5 * (2 / _DRAWS) ** 0.5,
                    f"latent {latent}: log_q of the draws of the site {site.name} is distributed "
                    f"otherwise than for draws of its posterior (distance {distance:.3f})",
                )

    def test_kl_agrees_with_draws(self) -> None:
        """The KL of an example is the mean of log q − log p over draws."""
        for latent in self.latents:
            trace = _trace_of_one(self._model(latent), draws=_MANY_DRAWS)
            with torch.no_grad():
                values = (trace.log_q - trace.log_p)[:, 0]
                kl, estimate = trace.kl.item(), values.mean().item()
            error = values.std().item() / _MANY_DRAWS**0.5
            require(
                abs(kl - estimate) < ERRORS * error + 1e-3,
                f"latent {latent}: kl gives {kl:.4f}, draws {estimate:.4f} ± {error:.4f}; a site "
                "whose prior depends on draws that depend on its z needs estimated=True",
            )

    def test_sample(self) -> None:
        """``sample`` gives latents that decode, by its generator alone."""
        for latent in self.latents:
            model = self._model(latent)
            before = torch.get_rng_state()
            first, again = (_sample(model, 7) for _ in range(2))
            require(
                tuple(first.shape) == (7, *model.space.shape),
                f"7 samples are {tuple(first.shape)}, expected {(7, *model.space.shape)}",
            )
            require(torch.equal(first, again), "two generators with one seed give two samples")
            require(
                torch.equal(before, torch.get_rng_state()),
                "it draws from torch's global generator; use the one that is given",
            )
            require(model.decode(first).isfinite().all(), "the images of samples are not finite")

    def test_sample_follows_log_p(self) -> None:
        """What ``sample`` draws has the moments that log_p gives to the decoder's latents."""
        for latent in self.latents:
            model = self._model(latent)
            trace, weights = _covering(model)
            drawn = model.family.features(_sample(model, _DRAWS)).flatten(1).double()
            inferred = trace.inference.features.flatten(1).double()
            for power, name in ((1, "mean"), (2, "second moment")):
                ours, theirs = drawn**power, weights * inferred**power
                error = ((ours.var(0) + theirs.var(0)) / _DRAWS).sqrt()
                off = (ours.mean(0) - theirs.mean(0)).abs() - ERRORS * error - 0.02
                worst = int(off.argmax())
                require(
                    off.max() < 0,
                    f"latent {latent}: the {name} of samples is {ours.mean(0)[worst]:.3f}, and "
                    f"that of log_p {theirs.mean(0)[worst]:.3f}; sample from the same prior",
                )

    def test_bound_with_more_draws(self) -> None:
        """The importance-weighted bound is at least the ELBO, on average."""
        for latent in self.latents:
            images = _images(1).expand(400, *SMALL)
            trace = _trace(self._model(latent), images, _BOUND)
            bound = trace.log_weights.logsumexp(0) - torch.tensor(float(_BOUND)).log()
            gain = bound + trace.reconstruction + trace.kl
            error = gain.std().item() / len(gain) ** 0.5
            require(
                gain.mean().item() > -ERRORS * error - 1e-3,
                f"latent {latent}: the bound of {_BOUND} draws is {-gain.mean().item():.4f} nats "
                "below the ELBO; log_q, log_p and the KL contradict each other",
            )

    def _case(self, latent: Shape) -> Case:
        posterior, prior = self._partners(latent)
        names: dict[str, Any] = {"topology": self.component, "posterior": posterior, "prior": prior}

        def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
            return (torch.rand(count, *SMALL, generator=generator),)

        def build() -> VAE:
            return small_model(latent=list(latent), seed=torch.initial_seed(), **names)

        def call(model: Any, images: Tensor) -> tuple[Tensor, ...]:
            q = model.topology.posterior(model, model.encoded(images))
            require(
                isinstance(q, LatentDistribution),
                f"posterior gives {type(q).__name__}, not a vaezoo.LatentDistribution",
            )
            return (q.log_prob(q.mean),)

        return Case(f"latent {latent}", build, inputs, call, outputs=((),), part="topology.")

    def _partners(self, latent: Shape) -> tuple[Posterior, Prior]:
        posterior = self.posterior or partners.posterior_of_topology(self.component, latent)
        space = self.component.prior_space(posterior, latent)
        return posterior, self.prior or partners.prior_of(posterior, space)

    def _model(self, latent: Shape, seed: int = 0) -> VAE:
        model: Any = seeded(self._case(latent), seed).eval()
        return model  # type: ignore[no-any-return]


def _images(count: int) -> Tensor:
    return torch.rand(count, *SMALL, generator=torch.Generator().manual_seed(4))


def _trace(model: VAE, images: Tensor, samples: int) -> Trace:
    generator = torch.Generator().manual_seed(5)
    return model.trace(Batch(images), generator, samples=samples)


def _covering(model: VAE) -> tuple[Trace, Tensor]:
    """Many draws for one image whose q covers the prior, and their weights (K, 1).

    Raises NotApplicable if q covers too little of the prior for every image tried.
    """
    for distance in _DISTANCES:
        trace = _trace_of_one(model, distance)
        weights = _weights(trace).unsqueeze(1)
        if weights.sum() ** 2 / weights.square().sum() / _DRAWS >= _LEAST_EFFECTIVE:
            return trace, weights
    raise NotApplicable(
        "not checked: q(z|x) covers too little of p(z) to compare them by weights; compare draws "
        "of `sample` with the prior in a test of your own"
    )


def _trace_of_one(model: VAE, distance: float = 0.4, draws: int = _DRAWS) -> Trace:
    """Many draws for one image, whose q is away from the prior: the encoder is not trained.

    ``distance`` is the standard deviation of the encoder's output.
    """
    generator = torch.Generator().manual_seed(6)
    encoded = distance * torch.randn(1, *model.spec.model.encoder_output, generator=generator)
    return model.trace(Batch(_images(1)), generator, samples=draws, encoded=encoded)


def _distance(one: Tensor, other: Tensor) -> float:
    """The two-sample Kolmogorov–Smirnov distance of values (N,) and (N,)."""
    values = torch.cat([one, other]).double()
    steps = torch.ones_like(values)
    steps[len(one) :] = -1
    return float(steps[values.argsort()].cumsum(0).abs().max()) / len(one)


@torch.no_grad()
def _weights(trace: Trace) -> Tensor:
    """p(z) / q(z|x) of every draw for the first image, in float64."""
    return (trace.log_p - trace.log_q)[:, 0].double().exp()


@torch.no_grad()
def _sample(model: VAE, count: int) -> Tensor:
    return model.topology.sample(model, count, torch.Generator().manual_seed(9))


def _unreached(model: VAE) -> set[str]:
    """The names of the parameters without gradient, or those of a part that has none at all."""
    missed = set()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        finite = gradient is None or bool(gradient.isfinite().all())
        require(finite, f"the gradient of {name} is not finite")
        if parameter.requires_grad and (gradient is None or not gradient.any()):
            missed.add(name)
    return {name for name in missed if name.startswith(("topology.", "encoder.", "decoder."))}


def _require(what: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Raise Nonconforming for what is not a finite float32 tensor of that shape."""
    __tracebackhide__ = True
    require(
        tuple(value.shape) == shape and value.dtype == torch.float32,
        f"{what} is {tuple(value.shape)} in {value.dtype}, expected {shape} in torch.float32",
    )
    require(value.isfinite().all(), f"{what} is not finite")
