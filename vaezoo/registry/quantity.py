r"""What a component says of its figures and formulas, so that reports, cards, verdicts and the lint
need to know none by name.

Formulas are TeX as matplotlib reads it, without dollars, in the symbols of reports: ``x``, ``z``,
``p_\theta(x\mid z)``, ``q_\phi(z\mid x)``. Other texts are plain, with ``$…$`` around a formula
and backticks around a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

#: Which values of a figure are better; ``neither`` where both sides are only other models.
Better = Literal["higher", "lower", "neither"]
#: What more draws of z do to the expected value of an estimate.
WithSamples = Literal["rises", "falls", "unbiased"]
#: The quantities that every VAE has, which tables and reports ask for: the training objective, the
#: ELBO with β = 1, −E log p(x|z), KL(q(z|x) || p(z)), another lower bound on log p(x), the least
#: reconstruction term that any model can have, and the count of latents in use.
Role = Literal["objective", "elbo", "reconstruction", "kl", "bound", "floor", "active_units"]
#: Roles of quantities that hold log p(x|z), to which the likelihood's caveat applies.
OF_THE_LIKELIHOOD: frozenset[Role] = frozenset({"objective", "elbo", "reconstruction", "bound"})

NATS = "nats per example"
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class Quantity:
    """A figure of a metric, or a term of a loss: ``Quantity("psnr", better="higher")``.

    ``better`` gives verdicts on targets their direction. ``title`` is the name in reports,
    ``each`` says what a figure's ``per_dimension`` holds.
    ``least`` and ``most`` are what the value can be, None where nothing bounds it.
    ``with_samples`` says whether fewer draws of z give another expected value. ``formula`` is its
    right-hand side or the whole equation, in TeX. ``caveat`` is one sentence on what the figure is
    not. ``role`` says which quantity of every VAE it is, if it is one.

    Raises ValueError for what cannot be a target or has another word than these.
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
            raise ValueError(f"the name {self.name!r} cannot be a target: use a-z, 0-9 and _")
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
        """Its name for people."""
        return self.title or self.name.replace("_", " ")


_WORDS: dict[str, tuple[Any, ...]] = {
    "better": get_args(Better),
    "with_samples": get_args(WithSamples),
    "role": (*get_args(Role), None),
}

#: What every loss gives, and the ELBO that training adds to it.
OBJECTIVE = Quantity("objective", "lower", role="objective")
RECONSTRUCTION = Quantity("reconstruction", "lower", role="reconstruction")
KL = Quantity("kl", "neither", title="KL", least=0.0, role="kl")
ELBO = Quantity("elbo", "higher", title="ELBO", role="elbo")
LOSS_TERMS = (OBJECTIVE, RECONSTRUCTION, KL)


@dataclass(frozen=True)
class Definition:
    """A formula of a component, and what its symbols are: a clause without a full stop."""

    tex: str
    where: str = ""


def checked_quantities(owner: str, quantities: Any) -> tuple[Quantity, ...]:
    """``quantities`` if they are a tuple of Quantity. Raises TypeError that says what to write."""
    if not isinstance(quantities, tuple | list):
        raise TypeError(f"{owner} is {quantities!r}, not a tuple of Quantity")
    for one in quantities:
        if not isinstance(one, Quantity):
            raise TypeError(
                f"{owner} has {one!r}; describe it as "
                f"Quantity({one if isinstance(one, str) else 'name'!r}, better='higher')"
            )
    names = [one.name for one in quantities]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise TypeError(f"{owner} has {twice!r} twice")
    return tuple(quantities)
