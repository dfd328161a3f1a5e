"""Convert TeX formulas to SVG paths, so that they look the same everywhere.

Uses matplotlib's mathtext: needs no TeX and no network.
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

#: Path units per em.
_UNITS = 100
#: The SVG path command for each of matplotlib's, and its number of points.
_COMMANDS = {
    int(Path.MOVETO): ("M", 1),
    int(Path.LINETO): ("L", 1),
    int(Path.CURVE3): ("Q", 2),
    int(Path.CURVE4): ("C", 3),
}
_CLOSE = int(Path.CLOSEPOLY)


@dataclass(frozen=True)
class TypesetFormula:
    """A formula's outline and its sizes in em.

    ``depth`` is the part of ``height`` below the baseline.
    """

    tex: str
    path: str
    width: float
    height: float
    depth: float

    def svg(self, attributes: str = "") -> str:
        """The formula as an SVG element in the color of the surrounding text."""
        box = f"0 {-_UNITS * (self.height - self.depth):.4g}"
        box += f" {_UNITS * self.width:.4g} {_UNITS * self.height:.4g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"{attributes} role="img" '
            f'aria-label="{escape(self.tex)}"><path fill="currentColor" d="{self.path}"/></svg>'
        )


@lru_cache(maxsize=512)
def set_formula(tex: str) -> TypesetFormula:
    """Typeset TeX without dollars. Raises ValueError for invalid TeX."""
    font = FontProperties(size=_UNITS, math_fontfamily="stix")
    outlines = TextToPath()
    width, height, depth = outlines.get_text_width_height_descent(f"${tex}$", font, ismath=True)
    vertices, codes = outlines.get_text_path(font, f"${tex}$", ismath=True)
    margin = 0.02 * _UNITS  # italic letters extend beyond their boxes
    return TypesetFormula(
        tex,
        "".join(_commands(np.asarray(vertices), np.asarray(codes).tolist())),
        (width + 2 * margin) / _UNITS,
        (height + 2 * margin) / _UNITS,
        (depth + margin) / _UNITS,
    )


def _commands(vertices: NDArray[Any], codes: list[int]) -> Iterator[str]:
    """The outline as SVG path commands, with y downwards."""
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
