"""The ink of every picture and the rules that it is rendered by, whichever plugin drew it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache

import matplotlib.style
from matplotlib.font_manager import FontProperties, findfont, get_font

from vaezoo.diagnostics.printable import escaped, in_one_line

INK = "#1b1f24"
MUTED = "#6a737d"
SMALL = 7.0

_FONT = "DejaVu Sans"
#: A label's longest text, in characters.
_LONGEST = 48

_RULES = {
    "font.family": _FONT,
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


def label(text: str) -> str:
    """Text of others as a label: one line of bounded length, in letters that the font has.

    What is drawn with it needs ``parse_math=False``, since dollars would begin a formula.
    """
    line = drawable(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def drawable(text: str) -> str:
    """Text in one line, with escapes for what the house's font does not have."""
    letters = _letters()
    return "".join(c if ord(c) in letters else escaped(c) for c in in_one_line(text))


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """What the house's font has."""
    return frozenset(get_font(findfont(FontProperties(family=_FONT))).get_charmap())
