"""Formulas as outlines: TeX in, one SVG path out, so that they look alike everywhere.

matplotlib's own reader of TeX does the setting; nothing is fetched and no TeX is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from numpy.typing import NDArray

#: outlines are given in hundredths of the size of the type
_UNITS = 100
#: the command of an SVG path for each of matplotlib's, and how many points it has
_COMMANDS = {
    int(Path.MOVETO): ("M", 1),
    int(Path.LINETO): ("L", 1),
    int(Path.CURVE3): ("Q", 2),
    int(Path.CURVE4): ("C", 3),
}
_CLOSE = int(Path.CLOSEPOLY)


@dataclass(frozen=True)
class TypesetFormula:
    """A formula's outline, and its measures in units of the size of the type (em).

    ``depth`` is how far it reaches below the line that letters stand on, and is part of
    ``height``.
    """

    tex: str
    path: str
    width: float
    height: float
    depth: float

    def svg(self, attributes: str = "") -> str:
        """The formula as an SVG element in the colour of the text around it."""
        box = f"0 {-_UNITS * (self.height - self.depth):.4g}"
        box += f" {_UNITS * self.width:.4g} {_UNITS * self.height:.4g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"{attributes} role="img" '
            f'aria-label="{escape(self.tex)}"><path fill="currentColor" d="{self.path}"/></svg>'
        )


@lru_cache(maxsize=512)
def set_formula(tex: str) -> TypesetFormula:
    """Set a formula written in TeX, without dollars. Raises ValueError where it is no TeX."""
    font = FontProperties(size=_UNITS, math_fontfamily="stix")
    outlines = TextToPath()
    width, height, depth = outlines.get_text_width_height_descent(f"${tex}$", font, ismath=True)
    vertices, codes = outlines.get_text_path(font, f"${tex}$", ismath=True)
    room = 0.02 * _UNITS  # letters lean a little out of their boxes
    return TypesetFormula(
        tex,
        "".join(_commands(np.asarray(vertices), np.asarray(codes).tolist())),
        (width + 2 * room) / _UNITS,
        (height + 2 * room) / _UNITS,
        (depth + room) / _UNITS,
    )


def _commands(vertices: NDArray[Any], codes: list[int]) -> Iterator[str]:
    """The outline as the commands of an SVG path; there y grows downwards."""
    index = 0
    while index < len(codes):
        code = codes[index]
        if code == _CLOSE:
            yield "Z"
            index += 1
            continue
        letter, count = _COMMANDS[code]
        points = vertices[index : index + count]
        yield letter + " ".join(f"{x + 2:.1f} {-y:.1f}" for x, y in points)
        index += count
