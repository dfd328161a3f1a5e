"""Which priors fit which posteriors, and how the KL between them is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

from vaezoo.diagnostics.columns import aligned
from vaezoo.diagnostics.printable import in_log
from vaezoo.model import build
from vaezoo.registry import Posterior, Prior, Registry
from vaezoo.registry.discovery import cause_of
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing.conformance.partners import defaults
from vaezoo.testing.conformance.tiny_models import SMALL, small_spec

#: A vector and a grid: the first that a posterior has is taken.
_LATENTS: tuple[Shape, ...] = ((2,), (2, 2, 2))


class KLForm(StrEnum):
    """How KL(q(z|x) || p(z)) of a pair is computed."""

    CLOSED = "closed"
    BY_DRAWS = "by draws"
    NO_FIT = "does not fit"
    FAILED = "fails"


@dataclass(frozen=True)
class Pair:
    """A posterior and a prior; ``reason`` says why they do not fit, or what failed."""

    posterior: str
    prior: str
    kl: KLForm
    reason: str = ""


def pairs(registry: Registry) -> list[Pair]:
    """Every posterior with every prior of the installed plugins, each with its defaults.

    >>> [pair.prior for pair in pairs(discover()) if pair.kl is KLForm.CLOSED]
    """
    priors = list(defaults("prior", registry))
    return [
        Pair(posterior.use, prior.use, *_form(posterior, prior, registry))
        for posterior in defaults("posterior", registry)
        for prior in priors
    ]


def as_table(rows: Sequence[Pair]) -> str:
    """A line for each pair."""
    cells = [(row.posterior, row.prior, str(row.kl), row.reason) for row in rows]
    return in_log("\n".join(aligned([("POSTERIOR", "PRIOR", "KL", "REASON"), *cells])))


def _form(posterior: Posterior, prior: Prior, registry: Registry) -> tuple[KLForm, str]:
    try:
        problems = [posterior.shape_problem(latent) for latent in _LATENTS]
        latent = next((shape for shape, no in zip(_LATENTS, problems, strict=True) if not no), None)
        if latent is None:
            return KLForm.NO_FIT, problems[0] or ""
        problem = prior.problem(posterior, posterior.space(latent))
        if problem:
            return KLForm.NO_FIT, problem
        return _computed(posterior, prior, latent, registry), ""
    except Exception as error:  # a plugin's fault concerns its own pairs alone
        return KLForm.FAILED, cause_of(error)


@torch.inference_mode()
def _computed(posterior: Posterior, prior: Prior, latent: Shape, registry: Registry) -> KLForm:
    """Ask the prior of a small model, whose encoder it may look through."""
    spec = small_spec(latent=list(latent), registry=registry, posterior=posterior, prior=prior)
    model = build(spec).eval()
    closed = model.prior.kl(model.posterior(torch.zeros(1, *SMALL)))
    return KLForm.BY_DRAWS if closed is None else KLForm.CLOSED
