"""Look up the explanation of a code."""

from __future__ import annotations

import difflib
import itertools

from vaezoo.diagnostics import CODES, Diagnostic, UsageError
from vaezoo.diagnostics.explanations.explanation import Explanation
from vaezoo.diagnostics.explanations.markdown import load

#: Lowest similarity of a suggested code: one of five characters may differ.
_CUTOFF = 0.7


def explanations() -> tuple[Explanation, ...]:
    """The explanations of all codes, by number."""
    return tuple(map(load, sorted(CODES)))


def explain(code: str) -> Explanation:
    """The explanation of a code: ``explain("VZ203")``, ``"vz203"`` or ``"203"``.

    Raises UsageError (VZ504) if there is no such code.
    """
    wanted = code.strip().upper()
    wanted = f"VZ{wanted}" if wanted.isdecimal() else wanted
    if wanted in CODES:
        return load(wanted)
    close = _nearest(wanted)
    hint = f"did you mean {close}? " if close else ""
    raise UsageError(
        Diagnostic("VZ504", f"there is no code {code!r}", hint=f"{hint}'vaezoo explain' lists all")
    )


def _nearest(wanted: str) -> str | None:
    """The most similar code; of two equally similar ones, the one with the longer common prefix."""

    def similarity(code: str) -> tuple[float, int]:
        ratio = difflib.SequenceMatcher(None, wanted, code).ratio()
        same = (a == b for a, b in zip(wanted, code, strict=False))
        return ratio, len(list(itertools.takewhile(bool, same)))

    best = max(CODES, key=similarity)
    return best if similarity(best)[0] >= _CUTOFF else None
