"""Checks of descriptions: figures agree with their class, formulas render in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from vaezoo.registry import Definition, Figure, Quantity
from vaezoo.testing.conformance.outcome import Nonconforming, require

#: A figure changes with the draws if it moves by more than this many standard errors
_CLEAR = 6.0
#: ... plus this part of its value, for rounding.
_ROUNDING = 1e-3


def require_within(figure: Figure, quantities: Sequence[Quantity]) -> None:
    """Raise Nonconforming if a figure contradicts the unit or range of its class."""
    about = next((one for one in quantities if one.name == figure.name), None)
    if about is None:
        return
    require(
        figure.unit.startswith(about.unit),
        f"{figure.name} is in {figure.unit!r}, but its class says {about.unit!r}",
    )
    low = -math.inf if about.least is None else about.least
    high = math.inf if about.most is None else about.most
    require(
        low <= figure.value <= high,
        f"{figure.name} is {figure.value:g}, but its class says from {low:g} to {high:g}",
    )


def require_settable(what: str, text: object) -> None:
    """Raise Nonconforming unless ``text`` is a string whose formulas render."""
    from vaezoo.reports.component_text import as_prose

    if not isinstance(text, str):
        raise Nonconforming(f"{what} is {text!r}, not a string")
    try:
        as_prose(text)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise Nonconforming(f"matplotlib cannot render a formula of {what}: {reason}") from None


def require_definition(found: object) -> None:
    """Raise Nonconforming unless ``found`` is None or a Definition whose formulas render."""
    if found is None:
        return
    if not isinstance(found, Definition):
        raise Nonconforming(f"formula returns {found!r}, not a Definition")
    require_settable("formula", f"${found.tex}$")
    require_settable("formula's where", found.where)


def require_movement(
    quantities: Sequence[Quantity],
    few: Sequence[Mapping[str, float]],
    many: Sequence[Mapping[str, float]],
) -> None:
    """Raise Nonconforming if a figure's trend with the number of draws contradicts its class."""
    for quantity in quantities:
        before = [values[quantity.name] for values in few]
        after = [values[quantity.name] for values in many]
        moved = fmean(after) - fmean(before)
        noise = math.hypot(stdev(before), stdev(after)) / math.sqrt(len(before))
        clear = _CLEAR * noise + _ROUNDING * abs(fmean(after))
        trend = "rises" if moved > clear else "falls" if moved < -clear else None
        require(
            trend in (None, quantity.with_samples),
            f"{quantity.name} {trend} by {abs(moved):.3g} with more draws of z, but its class says "
            f"with_samples={quantity.with_samples!r}",
        )
