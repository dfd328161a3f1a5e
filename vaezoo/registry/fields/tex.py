r"""Symbols and numbers in TeX, for the formulas of reports."""

from __future__ import annotations

from vaezoo.registry.fields.schedule import SHAPES, Schedule

POSTERIOR = r"q_\phi(z\mid x)"
LOG_LIKELIHOOD = r"\log p_\theta(x\mid z)"
DIVERGENCE = rf"\mathrm{{KL}}\left({POSTERIOR}\,\Vert\,p(z)\right)"


def number(value: float) -> str:
    """A number in TeX, with ``1e-05`` as a power of ten."""
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, _, exponent = text.partition("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"{factor}10^{{{int(exponent)}}}"


def setting(symbol: str, value: float | Schedule | None) -> str:
    r"""``$\beta = 4$``, or its schedule; the symbol alone for None."""
    if value is None:
        return f"${symbol}$"
    if not isinstance(value, Schedule):
        return f"${symbol} = {number(value)}$"
    first, last = value.ends
    shape = next(name for name in SHAPES if getattr(value, name) is not None)
    delay = f" after {value.delay:g} at the first value" if value.delay else ""
    warmup = f" after a rise from 0 over {value.warmup:g} epochs" if value.warmup else ""
    cycles = f" in {value.cycles} cycles" if value.cycles > 1 else ""
    return (
        f"${symbol}$ on a {shape} schedule from {first:g} to {last:g} over {value.epochs:g} "
        f"epochs{warmup}{delay}{cycles}"
    )
