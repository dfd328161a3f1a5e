"""What components say of themselves, as prose. One that fails to say it ends no report: the
conformance checks and ``vaezoo validate`` tell its author."""

from __future__ import annotations

from collections.abc import Callable

from vaezoo.registry import Definition
from vaezoo.reports.blocks import Math, Prose, marked
from vaezoo.reports.tex_to_svg import set_formula


def told(question: Callable[[], str]) -> Prose:
    """The answer with its formulas; nothing where it fails or has a formula that cannot be set."""
    try:
        return as_prose(question())
    except Exception:
        return ()


def as_prose(text: str) -> Prose:
    """A component's text with its formulas. Raises ValueError for one that cannot be set."""
    line = marked(text)
    for part in line:
        if isinstance(part, Math):
            set_formula(part.tex)
    return line


def defined(question: Callable[[], Definition | None]) -> tuple[str, Prose] | None:
    """A component's formula in TeX and what its symbols are; None where it gives none."""
    try:
        found = question()
        if found is None:
            return None
        set_formula(found.tex)
        return found.tex, as_prose(found.where)
    except Exception:
        return None
