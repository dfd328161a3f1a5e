"""The parts that a component is checked with, if its author names none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vaezoo.registry import LatentSpace, Posterior, Prior, Registry, Topology, discover
from vaezoo.registry.discovery import THIRD_PARTY
from vaezoo.registry.module_contracts import Shape
from vaezoo.spec.spec import ModelSpec
from vaezoo.testing.conformance.component_checks import default_of
from vaezoo.testing.conformance.outcome import NotApplicable


def own_posteriors() -> Iterator[Posterior]:
    """The posteriors that vaezoo brings, with their defaults: a plugin's fault is its own."""
    yield from defaults("posterior", discover(disabled=[THIRD_PARTY]))


def prior_of(posterior: Posterior, space: LatentSpace) -> Prior:
    """The first installed prior that fits a posterior. Raises NotApplicable without one."""
    for prior in defaults("prior", discover()):
        if prior.problem(posterior, space) is None:
            found: Prior = prior
            return found
    raise NotApplicable(f"no prior of {space.support} latents is installed; set `prior`")


def posterior_of_prior(prior: Prior, latent: Shape) -> Posterior:
    """The first installed posterior that fits a prior. Raises NotApplicable without one."""
    for posterior in defaults("posterior", discover()):
        if fits(posterior, prior, latent):
            found: Posterior = posterior
            return found
    raise NotApplicable(f"no posterior that fits {prior.supports} is installed; set `posterior`")


def posterior_of_topology(topology: Topology, latent: Shape) -> Posterior:
    """The first installed posterior that fits a topology. Raises NotApplicable without one."""
    problem = "there is none"
    for posterior in defaults("posterior", discover()):
        if posterior.shape_problem(latent) is None:
            problem = topology.problem(posterior, latent) or ""
            if not problem:
                found: Posterior = posterior
                return found
    raise NotApplicable(f"no installed posterior fits ({problem}); set `posterior`")


def fits(posterior: Posterior, prior: Prior, latent: Shape) -> bool:
    """Whether a posterior has such latents, and the prior a density for them."""
    if posterior.shape_problem(latent) is not None:
        return False
    return prior.problem(posterior, posterior.space(latent)) is None


def defaults(kind: str, registry: Registry) -> Iterator[Any]:
    """The components of a kind with their defaults, that of a spec first."""
    usual = ModelSpec.model_fields[kind].default
    every = [registered.component for registered in registry.components(kind)]
    for component in sorted(every, key=lambda one: one.use != usual):
        try:
            yield default_of(component, registry)
        except NotApplicable:
            continue
