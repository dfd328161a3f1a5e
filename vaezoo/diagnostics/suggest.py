"""Did you mean …? The known name nearest to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most similar to ``name``, or None if none is similar."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def suggest(name: str, known: Sequence[str], noun: str) -> str:
    """A hint for an unknown name: the nearest known name, and all known names."""
    listed = ", ".join(sorted(known)) or "none"
    close = nearest(name, known)
    there_is = f"{noun}: {listed}"
    return f"did you mean {close!r}? {there_is}" if close else there_is
