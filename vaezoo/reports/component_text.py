"""Texts and formulas of components as prose.

A component that fails does not end the report: the conformance checks and ``vaezoo validate``
report the failure to its author.
"""

from __future__ import annotations

from collections.abc import Callable

from vaezoo.registry import Definition
from vaezoo.reports.blocks import Math, Prose, marked
from vaezoo.reports.tex_to_svg import set_formula


def as_prose_or_empty(get: Callable[[], str]) -> Prose:
    """The text with its formulas; empty if it fails or a formula is invalid."""
    try:
        return as_prose(get())
    except Exception:
        return ()


def as_prose(text: str) -> Prose:
    """A component's text with its formulas. Raises ValueError for an invalid formula."""
    line = marked(text)
    for part in line:
        if isinstance(part, Math):
            set_formula(part.tex)
    return line


def defined(get: Callable[[], Definition | None]) -> tuple[str, Prose] | None:
    """A component's formula in TeX and the meaning of its symbols; None if it has none."""
    try:
        found = get()
        if found is None:
            return None
        set_formula(found.tex)
        return found.tex, as_prose(found.where)
    except Exception:
        return None
