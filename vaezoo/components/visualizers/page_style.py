"""The style of built-in pictures: colors, type and page layout.

All lengths are in pixels at ``DPI``, so that pixels of images align with those of the file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from vaezoo.plotting import style
from vaezoo.plotting.style import INK as INK
from vaezoo.plotting.style import MUTED as MUTED
from vaezoo.plotting.style import SMALL as SMALL
from vaezoo.plotting.style import plot_style
from vaezoo.registry.contracts import EvaluationContext

DPI = 150
FAINT = "#d8dce1"
TRAIN = "#8a949e"
VALIDATION = "#1f5fbf"
ACCENT = "#d9480f"

#: Ten colors that maximize the minimum OKLab distance between any two, in normal vision and with
#: protanopia, deuteranopia and tritanopia (Machado et al. 2009).
CLASSES = (
    "#4352cd",
    "#d59b0b",
    "#2388b4",
    "#b72166",
    "#53e882",
    "#e05411",
    "#71218b",
    "#e7b2df",
    "#255b21",
    "#79af89",
)

_MARGIN = 24
_NARROWEST = 640
_TITLE = 10.5
_TITLE_LINE, _LINE = 32, 21
#: ratio of the rendered width of text to its outline, due to hinting
_HINTED = 1.03

P = ParamSpec("P")
Drawing = Callable[Concatenate[EvaluationContext, P], Figure]


def with_style(draw: Drawing[P]) -> Drawing[P]:
    """Apply the plot style to a drawing function."""

    @functools.wraps(draw)
    def styled(context: EvaluationContext, /, *args: P.args, **kwargs: P.kwargs) -> Figure:
        with plot_style():
            return draw(context, *args, **kwargs)

    return styled


@dataclass(frozen=True)
class Page:
    """A figure with a heading and an empty body."""

    figure: Figure
    body_left: int
    body_top: int

    def axes(self, left: int, top: int, width: int, height: int) -> Axes:
        """Add axes, with a position relative to the body's top left corner."""
        page_width, page_height = self.figure.get_size_inches() * DPI
        x, y = self.body_left + left, self.body_top + top
        return self.figure.add_axes(
            (
                x / page_width,
                1 - (y + height) / page_height,
                width / page_width,
                height / page_height,
            )
        )


def page(
    context: EvaluationContext, title: str, facts: Iterable[str], *, width: int, height: int
) -> Page:
    """A page with a title, gray lines of facts, and a body of the given size.

    Lines break between facts. The title shrinks to fit a long name.
    """
    width = max(width, _NARROWEST)
    heading = f"{style.label(context.name)}: {title}"
    lines = _wrapped(map(style.drawable, facts), width)
    body_top = _MARGIN + _TITLE_LINE + _LINE * len(lines) + 12
    page_width, page_height = width + 2 * _MARGIN, body_top + height + _MARGIN
    figure = Figure(figsize=(page_width / DPI, page_height / DPI), dpi=DPI, facecolor="white")

    def write(text: str, top: int, size: float, color: str, weight: str) -> None:
        figure.text(
            _MARGIN / page_width,
            1 - top / page_height,
            text,
            size=size,
            color=color,
            weight=weight,
            va="top",
            parse_math=False,
        )

    title_size = fitting_size([heading], width, largest=_TITLE, weight="bold")
    write(heading, _MARGIN, title_size, INK, "bold")
    for number, line in enumerate(lines):
        write(line, _MARGIN + _TITLE_LINE + number * _LINE, SMALL, MUTED, "normal")
    return Page(figure, _MARGIN, body_top)


def split_fact(context: EvaluationContext, count: int, places: int | None = None) -> str:
    """The images that a picture shows: ``count`` distinct ones in ``places`` places."""
    total = len(context.split)
    amount = f"all {total:,}" if count == total else f"{count:,} of {total:,}"
    noun = "image" if total == 1 else "images"
    seen = ", which the model was trained on" if context.test_is_trained_on else ""
    again = f", some of them again in {places:,} places" if places and places > count else ""
    return f"{amount} {context.split_name} {noun}{seen}{again}"


def model_fact(context: EvaluationContext) -> str:
    """The model's dataset and likelihood."""
    likelihood = context.spec.model.likelihood.use.replace("_", " ")
    return f"{context.spec.dataset.use}, {likelihood} likelihood"


def seed_fact(context: EvaluationContext) -> str:
    return f"seed {context.seed}"


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a line of text, in pixels."""
    if not text:
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight=weight)
    path = TextPath((0, 0), text.replace("$", "S"), size=size, prop=font)
    return float(path.get_extents().width) * DPI / 72 * _HINTED


def widest(texts: Iterable[str], *, weight: str = "normal") -> int:
    """The width of the widest label, in pixels."""
    return round(max((text_width(text, SMALL, weight) for text in texts), default=0))


def fitting_size(
    texts: Iterable[str], width: float, *, largest: float = SMALL, weight: str = "normal"
) -> float:
    """The font size, at most ``largest``, at which every text fits into ``width``."""
    widest = max(text_width(text, largest, weight) for text in texts)
    return largest * min(1.0, width / max(widest, 1.0))


def number(value: float) -> str:
    """A short number with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def class_name(context: EvaluationContext, label: int) -> str:
    """The name of a class, or its number if it has no name."""
    condition = context.model.condition
    names = condition.names if condition else context.class_names
    return style.label(names[label]) if label < len(names) else str(label)


def class_colors(count: int) -> list[str]:
    """A color for each class: the ten, or evenly spaced ones for more classes."""
    if count <= len(CLASSES):
        return list(CLASSES[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["turbo"](0.04 + 0.92 * i / (count - 1))) for i in range(count)]


def _wrapped(facts: Iterable[str], width: int) -> list[str]:
    lines: list[str] = []
    for fact in facts:
        joined = f"{lines[-1]} · {fact}" if lines else fact
        if lines and text_width(joined, SMALL) <= width:
            lines[-1] = joined
        else:
            lines.append(fact)
    return lines


def label_side(
    axes: Axes,
    y: float,
    text: str,
    *,
    color: str = INK,
    weight: str = "normal",
    right: bool = False,
    indent: float = 0,
) -> None:
    """Add a label left or right of the axes, at ``y`` in data units.

    ``indent`` moves it away from the axes, in pixels.
    """
    distance = 4 + indent * 72 / DPI
    axes.annotate(
        text,
        (1.0 if right else 0.0, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(distance if right else -distance, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        color=color,
        weight=weight,
        annotation_clip=False,
        parse_math=False,
    )


def label_above(
    axes: Axes, x: float, text: str, *, size: float = SMALL, color: str = MUTED
) -> None:
    """Add a label above the axes, at ``x`` in data units."""
    axes.annotate(
        text,
        (x, 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=size,
        color=color,
        annotation_clip=False,
        parse_math=False,
    )
