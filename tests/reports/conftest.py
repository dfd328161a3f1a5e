"""Entries as reports see them, each loaded once."""

from __future__ import annotations

from functools import cache

from vaezoo.registry import discover
from vaezoo.reports.blocks import Block, Formula, ReportDocument, Side
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.subject import Subject, subject
from vaezoo.reports.two_entries import report_of_two
from vaezoo.zoo.search import shipped_folder

SHIPPED = sorted(p.parent.name for p in shipped_folder().glob("[!.]*/spec.yaml"))


@cache
def shipped(name: str) -> Subject:
    return subject(shipped_folder() / name, None, "cpu", discover())


@cache
def report_on(*names: str) -> ReportDocument:
    """The report of one shipped entry or of two, made once."""
    return report_of(shipped(names[0])) if len(names) == 1 else report_of_two(*map(shipped, names))


def blocks(document: ReportDocument) -> list[Block]:
    """Every block of a report, those in columns too."""
    found: list[Block] = [*document.notices]
    waiting = [block for section in document.sections for block in section.blocks]
    while waiting:
        block = waiting.pop(0)
        found.append(block)
        if isinstance(block, Side):
            waiting = [inner for column in block.columns for inner in column] + waiting
    return found


def formulas(document: ReportDocument) -> list[str]:
    return [block.tex for block in blocks(document) if isinstance(block, Formula)]
