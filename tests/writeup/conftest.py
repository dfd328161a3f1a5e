"""Entries as reports see them, each loaded once."""

from __future__ import annotations

from functools import cache

from vaezoo.registry import discover
from vaezoo.writeup.content import Block, Document, Formula, Side
from vaezoo.writeup.pair import report_of_two
from vaezoo.writeup.single import report_of
from vaezoo.writeup.subject import Subject, subject
from vaezoo.zoo.search import shipped_folder

SHIPPED = sorted(p.parent.name for p in shipped_folder().glob("[!.]*/spec.yaml"))


@cache
def shipped(name: str) -> Subject:
    return subject(shipped_folder() / name, None, "cpu", discover())


@cache
def report_on(*names: str) -> Document:
    """The report of one shipped entry or of two, made once."""
    return report_of(shipped(names[0])) if len(names) == 1 else report_of_two(*map(shipped, names))


def blocks(document: Document) -> list[Block]:
    """Every block of a report, those in columns too."""
    found: list[Block] = [*document.notices]
    waiting = [block for section in document.sections for block in section.blocks]
    while waiting:
        block = waiting.pop(0)
        found.append(block)
        if isinstance(block, Side):
            waiting = [inner for column in block.columns for inner in column] + waiting
    return found


def formulas(document: Document) -> list[str]:
    return [block.tex for block in blocks(document) if isinstance(block, Formula)]
