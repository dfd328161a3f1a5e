r"""Descriptions of figures and formulas, so that reports, cards and the lint need no names.

Formulas are TeX for matplotlib, without dollars, in the symbols of reports: ``x``, ``z``,
``p_\theta(x\mid z)``, ``q_\phi(z\mid x)``. Other text is plain, with ``$…$`` around a formula and
backticks around a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

#: Which values of a figure are better; ``neither`` if the figure only describes a model.
Better = Literal["higher", "lower", "neither"]
#: The effect of more draws of z on the expected value of an estimate.
WithSamples = Literal["rises", "falls", "unbiased"]
#: The quantities that tables and reports look for: the training objective, the ELBO with β = 1,
#: −E log p(x|z), KL(q(z|x) || p(z)), another lower bound on log p(x), the smallest possible
#: reconstruction term, and the number of active latents.
Role = Literal["objective", "elbo", "reconstruction", "kl", "bound", "floor", "active_units"]
#: Roles of quantities that contain log p(x|z), to which the likelihood's caveat applies.
OF_THE_LIKELIHOOD: frozenset[Role] = frozenset({"objective", "elbo", "reconstruction", "bound"})

NATS = "nats per example"
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class Quantity:
    """A figure of a metric, or a term of a loss: ``Quantity("psnr", better="higher")``.

    ``better`` is the direction for verdicts on targets. ``title`` is the name in reports, ``each``
    describes a figure's ``per_dimension``. ``least`` and ``most`` bound the value, None without a
    bound. ``with_samples`` is the effect of more draws of z on the expected value. ``formula`` is
    the right-hand side or the whole equation, in TeX. ``caveat`` is one sentence on what the
    figure does not mean. ``role`` marks a quantity that every VAE has.

    Raises ValueError for an invalid name or value.
    """

    name: str
    better: Better
    unit: str = NATS
    title: str = ""
    each: str = ""
    least: float | None = None
    most: float | None = None
    with_samples: WithSamples = "unbiased"
    formula: str = ""
    caveat: str = ""
    role: Role | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"invalid name {self.name!r}: use a-z, 0-9 and _")
        if not self.unit:
            raise ValueError(f"{self.name} has no unit")
        for field, words in _WORDS.items():
            value = getattr(self, field)
            if value not in words:
                listed = ", ".join(map(repr, words))
                raise ValueError(f"{self.name}: {field} is {value!r}, not one of {listed}")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"{self.name}: least is {self.least:g} and most {self.most:g}")

    @property
    def label(self) -> str:
        """Its name in reports."""
        return self.title or self.name.replace("_", " ")


_WORDS: dict[str, tuple[Any, ...]] = {
    "better": get_args(Better),
    "with_samples": get_args(WithSamples),
    "role": (*get_args(Role), None),
}

#: The terms of every loss, and the ELBO that training adds.
OBJECTIVE = Quantity("objective", "lower", role="objective")
RECONSTRUCTION = Quantity("reconstruction", "lower", role="reconstruction")
KL = Quantity("kl", "neither", title="KL", least=0.0, role="kl")
ELBO = Quantity("elbo", "higher", title="ELBO", role="elbo")
LOSS_TERMS = (OBJECTIVE, RECONSTRUCTION, KL)


@dataclass(frozen=True)
class Definition:
    """A formula, and a clause that explains its symbols, without a period."""

    tex: str
    where: str = ""


def checked_quantities(owner: str, quantities: Any) -> tuple[Quantity, ...]:
    """``quantities`` as a tuple of Quantity. Raises TypeError with what to write instead."""
    if not isinstance(quantities, tuple | list):
        raise TypeError(f"{owner} is {quantities!r}, not a tuple of Quantity")
    for one in quantities:
        if not isinstance(one, Quantity):
            raise TypeError(
                f"{owner} has {one!r}; describe it as "
                f"Quantity({one if isinstance(one, str) else 'name'!r}, better='higher')"
            )
    names = [one.name for one in quantities]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate:
        raise TypeError(f"{owner} has {duplicate!r} twice")
    return tuple(quantities)
