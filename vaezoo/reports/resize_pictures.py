"""Draw visualizers for their width on the page.

A visualizer writes its title and facts above the picture, at a font size for screens. Here the
facts move to the caption, and the other text is enlarged for paper.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from PIL import Image

from vaezoo.plotting.style import plot_style
from vaezoo.registry import EncodedPicture, EvaluationContext, Registry, Visualizer

#: The text width on paper in inches, and the font size in pictures in points.
PAGE = 7.1
_FONT_SIZE = 6.4
_DPI = 150
#: The number of colors after quantization.
_PALETTE = 160


@dataclass(frozen=True)
class Drawing:
    """A picture and the visualizer's facts about it."""

    png: bytes
    facts: tuple[str, ...]


def draw(
    use: str,
    parameters: Mapping[str, Any],
    context: EvaluationContext,
    registry: Registry,
    share: float,
) -> Drawing:
    """The picture of a visualizer for a ``share`` of the page width.

    Raises what the visualizer raises.
    """
    made = registry.find("visualizer", use).component.model_validate(dict(parameters))
    figure = cast("Visualizer", made).draw(context)
    if isinstance(figure, EncodedPicture):
        raise TypeError("it is not a matplotlib figure, so it has no size to choose")
    facts = tuple(text.get_text() for text in figure.texts[1:])
    for text in list(figure.texts):
        text.remove()
    _enlarge(figure, share * PAGE)
    return Drawing(_png(figure), facts)


def _enlarge(figure: Figure, inches: float) -> None:
    """Scale the text and the offsets of annotations."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    if not texts:
        return
    smallest = min(float(text.get_fontsize()) for text in texts)
    factor = max(1.0, _FONT_SIZE / smallest * figure.get_size_inches()[0] / inches)
    for text in texts:
        text.set_fontsize(float(text.get_fontsize()) * factor)
        if isinstance(text, Annotation) and text.anncoords == "offset points":
            offset: Any = text.xyann
            text.xyann = tuple(factor * distance for distance in offset)
    for axes in figure.axes:  # tick labels are created when drawn
        axes.tick_params(labelsize=smallest * factor)


def _png(figure: Figure) -> bytes:
    """The figure without margins, as a grayscale PNG if it has no other color."""
    buffer = io.BytesIO()
    with plot_style():
        figure.savefig(buffer, dpi=_DPI, bbox_inches="tight", pad_inches=0.01)
    picture = Image.open(buffer).convert("RGB")
    grey = picture.convert("L")
    if picture.tobytes() == grey.convert("RGB").tobytes():
        picture = grey
    elif picture.getcolors(_PALETTE) is None:
        picture = picture.quantize(_PALETTE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, format="PNG", compress_level=9)
    return out.getvalue()
