"""Tables of an entry's figures: titles, values and protocol."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vaezoo.registry import Figure
from vaezoo.reports.blocks import Prose, Table, plain, prose
from vaezoo.reports.component_text import as_prose_or_empty
from vaezoo.zoo.model_card import directions, shown_value, what_figures_are

#: The most figures in one table; more are split into two.
_MAX_ROWS = 8


def figure_tables(figures: Sequence[Figure]) -> tuple[Table, ...]:
    """All figures in one table, or in two if there are many; the caption is below the first."""
    if len(figures) <= _MAX_ROWS:
        return (_table(figures, caption_of(figures)),)
    nats = [figure for figure in figures if _in_nats(figure) or " dimensions of " in figure.unit]
    others = [figure for figure in figures if figure not in nats]
    if not nats or not others:
        middle = -(-len(figures) // 2)
        nats, others = list(figures[:middle]), list(figures[middle:])
    return _table(nats, caption_of(figures)), _table(others, ())


def caption_of(figures: Sequence[Figure]) -> Prose:
    """The protocol, the better direction, and the formula and caveat of each figure."""
    line = plain(" ".join(filter(None, (how_obtained(figures), directions(figures, label_of)))))
    for text in what_figures_are(figures, label_of):
        line = prose("{line} {text}", line=line, text=as_prose_or_empty(partial(str, text)))
    return line


def _table(figures: Sequence[Figure], caption: Prose) -> Table:
    rows = tuple(
        (
            plain(label_of(figure)),
            value_of(figure),
            plain(f"{figure.samples:,}" if figure.samples else "–"),
        )
        for figure in figures
    )
    return Table((plain("figure"), plain("value"), plain("draws of z")), rows, "lrr", caption)


def value_of(figure: Figure) -> Prose:
    """``−240.94 ± 0.76``, with the unit unless it is nats or in the title."""
    unit = figure.unit
    if " dimensions of " in unit:
        unit = f"of {unit.rpartition(' of ')[2]}"  # the label names the rest
    elif _in_nats(figure) or (figure.about and figure.about.title and " " in unit):
        unit = ""
    return plain(shown_value(figure).replace("-", "−") + (f" {unit}" if unit else ""))


def _in_nats(figure: Figure) -> bool:
    return figure.unit.startswith("nats")


def label_of(figure: Figure) -> str:
    """A figure's title, with the split unless it is the test split."""
    split = "" if figure.split == "test" else f"{figure.split} "
    return split + figure.label


def how_obtained(figures: Sequence[Figure]) -> str:
    """How the figures were computed, once for each protocol."""
    if not figures:
        return "No figures are recorded with this model."
    sentences = ["Nats per example unless noted; means over images ± one standard error."]
    protocols: dict[str, list[Figure]] = {}
    for figure in figures:
        protocols.setdefault(_protocol(figure, ""), []).append(figure)
    for alike in protocols.values():
        whose = "" if len(protocols) == 1 else f" ({_named(alike)})"
        sentences.append(f"{_protocol(alike[0], _counts(alike))}{whose}.")
    for clause in dict.fromkeys(clause for figure in figures for clause in _clauses(figure)):
        about = [figure for figure in figures if clause in _clauses(figure)]
        whose = f"{_named(about)}: " if len(about) < len(figures) else ""
        sentences.append(f"{whose[:1].upper()}{whose[1:]}{clause}.")
    return " ".join(sentences)


def _clauses(figure: Figure) -> list[str]:
    """The clauses of a figure's note; several figures may share one."""
    return [clause for clause in figure.note.split("; ") if clause]


def _named(figures: Sequence[Figure]) -> str:
    return ", ".join(map(label_of, figures))


def _counts(figures: Sequence[Figure]) -> str:
    """``10,000 images``, or ``10,000 images (200 for remaining gap)``."""
    counts: dict[int, list[Figure]] = {}
    for figure in figures:
        counts.setdefault(figure.examples, []).append(figure)
    most = max(counts, key=lambda count: len(counts[count]))
    others = [f"{n:,} for {_named(alike)}" for n, alike in counts.items() if n != most]
    return f"{most:,} images" + (f" ({'; '.join(others)})" if others else "")


def protocol(figure: Figure) -> str:
    """Split, likelihood and binarization of a figure, in one line."""
    return _protocol(figure, f"{figure.examples:,} images")


def _protocol(figure: Figure, images: str) -> str:
    return (
        f"{figure.split.capitalize()} split, {images}; {figure.likelihood} likelihood; "
        f"binarisation: {figure.binarisation}"
    )
