"""Look up the explanation of a code."""

from __future__ import annotations

import difflib
import itertools
from importlib import resources

from vaezoo.diagnostics import CODES, Diagnostic, UsageError
from vaezoo.diagnostics.explanations.explanation import Explanation
from vaezoo.diagnostics.explanations.parse import parse

#: The similarity from which a code is suggested: one character of five may be wrong.
_SIMILAR = 0.7


def explanations() -> tuple[Explanation, ...]:
    """Every explanation, sorted by code."""
    return tuple(map(_read, sorted(CODES)))


def _read(code: str) -> Explanation:
    file = resources.files("vaezoo.diagnostics.explanations") / "texts" / f"{code}.md"
    return parse(file.read_text(encoding="utf-8"))


def explain(code: str) -> Explanation:
    """Explain a code: ``vaezoo.explain("VZ203")``; ``vz203`` and ``203`` work too.

    Raises UsageError (VZ504) for an unknown code.
    """
    wanted = code.strip().upper()
    wanted = f"VZ{wanted}" if wanted.isdecimal() else wanted
    if wanted in CODES:
        return _read(wanted)
    suggestion = _most_similar(wanted)
    hint = f"did you mean {suggestion}? " if suggestion else ""
    raise UsageError(
        Diagnostic("VZ504", f"unknown code {code!r}", hint=f"{hint}'vaezoo explain' lists all")
    )


def _most_similar(wanted: str) -> str | None:
    """The most similar code; ties go to the longer common prefix."""

    def similarity(code: str) -> tuple[float, int]:
        ratio = difflib.SequenceMatcher(None, wanted, code).ratio()
        pairs = zip(wanted, code, strict=False)
        return ratio, sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    best = max(CODES, key=similarity)
    return best if similarity(best)[0] >= _SIMILAR else None
