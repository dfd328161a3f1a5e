"""The house style: colours, type, the page that every picture stands on.

All measures are in pixels at ``DPI``, so that an image's pixels fall on those of the file.
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
from vaezoo.plotting.style import house_rules
from vaezoo.registry.contracts import EvaluationContext

DPI = 150
FAINT = "#d8dce1"
TRAIN = "#8a949e"
VALIDATION = "#1f5fbf"
ACCENT = "#d9480f"

#: Ten colours found by a search for the largest smallest OKLab distance between any two, in
#: normal vision and under full protanopia, deuteranopia and tritanopia (Machado et al. 2009).
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
#: how much wider type gets than its outline when its letters snap to pixels
_HINTED = 1.03

P = ParamSpec("P")
Drawing = Callable[Concatenate[EvaluationContext, P], Figure]


def house_style(draw: Drawing[P]) -> Drawing[P]:
    """Run a drawing under the house's rules."""

    @functools.wraps(draw)
    def styled(context: EvaluationContext, /, *args: P.args, **kwargs: P.kwargs) -> Figure:
        with house_rules():
            return draw(context, *args, **kwargs)

    return styled


@dataclass(frozen=True)
class Page:
    """A figure with its heading set, and an empty body below."""

    figure: Figure
    body_left: int
    body_top: int

    def axes(self, left: int, top: int, width: int, height: int) -> Axes:
        """Axes at a place counted from the body's top left corner."""
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
    """A page whose body has the given size, under a title and a grey line of facts.

    The facts wrap between one another; the title shrinks where a long name needs it.
    """
    width = max(width, _NARROWEST)
    heading = f"{style.label(context.name)}: {title}"
    lines = _wrapped(map(style.drawable, facts), width)
    body_top = _MARGIN + _TITLE_LINE + _LINE * len(lines) + 12
    page_width, page_height = width + 2 * _MARGIN, body_top + height + _MARGIN
    figure = Figure(figsize=(page_width / DPI, page_height / DPI), dpi=DPI, facecolor="white")

    def write(text: str, top: int, size: float, colour: str, weight: str) -> None:
        figure.text(
            _MARGIN / page_width,
            1 - top / page_height,
            text,
            size=size,
            color=colour,
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
    """Which images of which split a picture shows: ``count`` different ones, in more ``places``
    where some are shown again."""
    total = len(context.split)
    amount = f"all {total:,}" if count == total else f"{count:,} of {total:,}"
    noun = "image" if total == 1 else "images"
    seen = ", which the model was trained on" if context.test_is_trained_on else ""
    again = f", some of them again in {places:,} places" if places and places > count else ""
    return f"{amount} {context.split_name} {noun}{seen}{again}"


def model_fact(context: EvaluationContext) -> str:
    """What the model was trained on, and as what."""
    likelihood = context.spec.model.likelihood.use.replace("_", " ")
    return f"{context.spec.dataset.use}, {likelihood} likelihood"


def seed_fact(context: EvaluationContext) -> str:
    return f"seed {context.seed}"


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line of text gets."""
    if not text:
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight=weight)
    path = TextPath((0, 0), text.replace("$", "S"), size=size, prop=font)
    return float(path.get_extents().width) * DPI / 72 * _HINTED


def widest(texts: Iterable[str], *, weight: str = "normal") -> int:
    """The width of the widest of some labels."""
    return round(max((text_width(text, SMALL, weight) for text in texts), default=0))


def fitting_size(
    texts: Iterable[str], width: float, *, largest: float = SMALL, weight: str = "normal"
) -> float:
    """The type size, at most ``largest``, at which every text fits into ``width``."""
    widest = max(text_width(text, largest, weight) for text in texts)
    return largest * min(1.0, width / max(widest, 1.0))


def number(value: float) -> str:
    """A short number with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def class_name(context: EvaluationContext, label: int) -> str:
    """The name of a class, or its number where the dataset names none."""
    names = context.class_names
    return style.label(names[label]) if label < len(names) else str(label)


def class_colours(count: int) -> list[str]:
    """A colour for each class: the ten, or evenly spaced ones where there are more."""
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


def beside(
    axes: Axes,
    y: float,
    text: str,
    *,
    colour: str = INK,
    weight: str = "normal",
    right: bool = False,
    indent: float = 0,
) -> None:
    """A label to the left of the axes, or to the right, at the height ``y`` of its data.

    ``indent`` moves it further away.
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
        color=colour,
        weight=weight,
        annotation_clip=False,
        parse_math=False,
    )


def above(axes: Axes, x: float, text: str, *, size: float = SMALL, colour: str = MUTED) -> None:
    """A label above the axes, at the place ``x`` of its data."""
    axes.annotate(
        text,
        (x, 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=size,
        color=colour,
        annotation_clip=False,
        parse_math=False,
    )
