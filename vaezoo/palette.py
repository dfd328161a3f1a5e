"""The ink of every picture and the rules that it is rendered by, whichever plugin drew it."""

from __future__ import annotations

from contextlib import AbstractContextManager

import matplotlib.style

INK = "#1b1f24"
MUTED = "#6a737d"
SMALL = 7.0

_RULES = {
    "font.family": "DejaVu Sans",
    "font.size": SMALL,
    "text.color": INK,
    "text.usetex": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7.0,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
}


def house_rules() -> AbstractContextManager[None]:
    """matplotlib's defaults and the house's own, whatever the user's matplotlibrc says."""
    return matplotlib.style.context(["default", _RULES])
