"""Whether what components say of themselves is so, and can be set in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from vaezoo.registry import Definition, Figure, Quantity
from vaezoo.testing.conformance.outcome import Nonconforming, require

#: standard errors by which draws must move a figure to move it at all
_CLEAR = 6.0
#: ... and the share of its value that rounding may
_ROUNDING = 1e-3


def require_within(figure: Figure, quantities: Sequence[Quantity]) -> None:
    """Raise Nonconforming for a figure that is not what its class says."""
    about = next((one for one in quantities if one.name == figure.name), None)
    if about is None:
        return
    require(
        figure.unit.startswith(about.unit),
        f"{figure.name} is in {figure.unit!r}, and its class says {about.unit!r}",
    )
    low = -math.inf if about.least is None else about.least
    high = math.inf if about.most is None else about.most
    require(
        low <= figure.value <= high,
        f"{figure.name} is {figure.value:g}, and its class says from {low:g} to {high:g}",
    )


def require_settable(what: str, text: object) -> None:
    """Raise Nonconforming for what is not text, or has a formula that cannot be set."""
    from vaezoo.reports.component_text import as_prose

    if not isinstance(text, str):
        raise Nonconforming(f"{what} is {text!r}, not a text")
    try:
        as_prose(text)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise Nonconforming(f"{what} has a formula that matplotlib cannot set: {reason}") from None


def require_definition(found: object) -> None:
    """Raise Nonconforming for what is neither None nor a formula that can be set."""
    if found is None:
        return
    if not isinstance(found, Definition):
        raise Nonconforming(f"formula gives {found!r}, not a Definition")
    require_settable("formula", f"${found.tex}$")
    require_settable("formula's where", found.where)


def require_movement(
    quantities: Sequence[Quantity],
    few: Sequence[Mapping[str, float]],
    many: Sequence[Mapping[str, float]],
) -> None:
    """Raise Nonconforming for a figure that more draws move otherwise than its class says."""
    for quantity in quantities:
        before = [values[quantity.name] for values in few]
        after = [values[quantity.name] for values in many]
        moved = fmean(after) - fmean(before)
        noise = math.hypot(stdev(before), stdev(after)) / math.sqrt(len(before))
        clear = _CLEAR * noise + _ROUNDING * abs(fmean(after))
        way = "rises" if moved > clear else "falls" if moved < -clear else None
        require(
            way in (None, quantity.with_samples),
            f"{quantity.name} {way} with draws of z, by {abs(moved):.3g}, and its class says "
            f"with_samples={quantity.with_samples!r}",
        )
