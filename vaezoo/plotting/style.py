"""Colors and rendering style of all pictures, including those of plugins."""

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
#: Limit on the length of a label, in characters.
_MAX_LENGTH = 48

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


def plot_style() -> AbstractContextManager[None]:
    """Context manager: matplotlib's defaults and our style, without the user's matplotlibrc."""
    return matplotlib.style.context(["default", _RULES])


def label(text: str) -> str:
    """Untrusted text as a label: one line of limited length, in characters that the font has.

    Draw it with ``parse_math=False``, because dollars start a formula.
    """
    line = drawable(text)
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 1]}…"


def drawable(text: str) -> str:
    """Text on one line, with escapes for characters that the font lacks."""
    letters = _letters()
    return "".join(c if ord(c) in letters else escaped(c) for c in in_one_line(text))


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """The characters of the font."""
    return frozenset(get_font(findfont(FontProperties(family=_FONT))).get_charmap())
