"""An entry's figures as tables: their names for people, their values, how they were obtained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vaezoo.registry import Figure
from vaezoo.reports.blocks import Prose, Table, plain, prose
from vaezoo.reports.component_text import told
from vaezoo.zoo.model_card import directions, shown_value, what_figures_are

#: figures that fit into one table beside the layers; more are divided into two
_MOST = 8


def figure_tables(figures: Sequence[Figure]) -> tuple[Table, ...]:
    """Every figure, in one table or, where that were long, in two; how they were obtained stands
    below the first."""
    if len(figures) <= _MOST:
        return (_table(figures, caption_of(figures)),)
    nats = [figure for figure in figures if _in_nats(figure) or " dimensions of " in figure.unit]
    others = [figure for figure in figures if figure not in nats]
    if not nats or not others:
        middle = -(-len(figures) // 2)
        nats, others = list(figures[:middle]), list(figures[middle:])
    return _table(nats, caption_of(figures)), _table(others, ())


def caption_of(figures: Sequence[Figure]) -> Prose:
    """How the figures were obtained, which side of each is better, and what they say of
    themselves."""
    line = plain(" ".join(filter(None, (how_obtained(figures), directions(figures, label_of)))))
    for said in what_figures_are(figures, label_of):
        line = prose("{line} {said}", line=line, said=told(partial(str, said)))
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
    """``−240.94 ± 0.76``; the unit where it is not nats, nor words that the title stands for."""
    unit = figure.unit
    if " dimensions of " in unit:
        unit = f"of {unit.rpartition(' of ')[2]}"  # the figure's name says of what
    elif _in_nats(figure) or (figure.about and figure.about.title and " " in unit):
        unit = ""  # the title says what it is
    return plain(shown_value(figure).replace("-", "−") + (f" {unit}" if unit else ""))


def _in_nats(figure: Figure) -> bool:
    return figure.unit.startswith("nats")


def label_of(figure: Figure) -> str:
    """A figure's name for people; the split where it is not the test split."""
    split = "" if figure.split == "test" else f"{figure.split} "
    return split + figure.label


def how_obtained(figures: Sequence[Figure]) -> str:
    """How the figures were obtained: once for all that were obtained in the same way."""
    if not figures:
        return "No figures are recorded with this model."
    told = ["Nats per example unless said otherwise, means over images ± one standard error."]
    ways: dict[str, list[Figure]] = {}
    for figure in figures:
        ways.setdefault(_protocol(figure, ""), []).append(figure)
    for alike in ways.values():
        whose = "" if len(ways) == 1 else f" ({_named(alike)})"
        told.append(f"{_protocol(alike[0], _counts(alike))}{whose}.")
    for clause in dict.fromkeys(clause for figure in figures for clause in _clauses(figure)):
        about = [figure for figure in figures if clause in _clauses(figure)]
        whose = f"{_named(about)}: " if len(about) < len(figures) else ""
        told.append(f"{whose[:1].upper()}{whose[1:]}{clause}.")
    return " ".join(told)


def _clauses(figure: Figure) -> list[str]:
    """What a figure's note says, one by one: some of it holds of other figures too."""
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
    """Split, likelihood and binarisation of a figure, in a line."""
    return _protocol(figure, f"{figure.examples:,} images")


def _protocol(figure: Figure, images: str) -> str:
    return (
        f"{figure.split.capitalize()} split, {images}; {figure.likelihood} likelihood; "
        f"binarisation: {figure.binarisation}"
    )
