"""Looking up what a code means."""

from __future__ import annotations

import difflib
import itertools

from vaezoo.diagnostics import CODES, Diagnostic, UsageError
from vaezoo.diagnostics.explanations.explanation import Explanation

#: How alike a code must be to be suggested: one letter or digit of five may be wrong.
_CLOSE = 0.7


def explanations() -> tuple[Explanation, ...]:
    """Every code in words, by number."""
    from vaezoo.diagnostics.explanations.texts import (
        vz1_yaml,
        vz2_schema,
        vz3_components,
        vz4_lint,
        vz4_settings,
        vz5_zoo,
        vz6_runs,
    )

    groups = (vz1_yaml, vz2_schema, vz3_components, vz4_settings, vz4_lint, vz5_zoo, vz6_runs)
    return tuple(one for group in groups for one in group.EXPLANATIONS)


def explain(code: str) -> Explanation:
    """What a code means: ``vaezoo.explain("VZ203")``; ``vz203`` and ``203`` are the same.

    Raises UsageError (VZ504) for a code that there is not.
    """
    wanted = code.strip().upper()
    wanted = f"VZ{wanted}" if wanted.isdecimal() else wanted
    for one in explanations():
        if one.code == wanted:
            return one
    close = _nearest(wanted)
    hint = f"did you mean {close}? " if close else ""
    raise UsageError(
        Diagnostic("VZ504", f"there is no code {code!r}", hint=f"{hint}'vaezoo explain' lists all")
    )


def _nearest(wanted: str) -> str | None:
    """The code that is meant most likely: of two that are as close, the one that begins alike."""

    def closeness(code: str) -> tuple[float, int]:
        alike = difflib.SequenceMatcher(None, wanted, code).ratio()
        pairs = zip(wanted, code, strict=False)
        return alike, sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    best = max(CODES, key=closeness)
    return best if closeness(best)[0] >= _CLOSE else None
