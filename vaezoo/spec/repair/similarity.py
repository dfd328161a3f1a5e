"""Find the only possible correction of a misspelled word.

Much stricter than the hint "did you mean": a wrong hint costs nothing, a wrong repair changes
the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vaezoo.diagnostics.confusables import plain

_MAX_EDITS = 2
_MAX_LENGTH = 100


def only_key(word: str, known: Iterable[str]) -> str | None:
    """The only known key close to ``word``; None if there is none or several."""
    return _only(candidate for candidate in known if _close(word, candidate))


def only_name(word: str, known: Iterable[str]) -> str | None:
    """The only known name close to ``word``.

    A name that extends a known one or is its prefix is another name (adamw, sgdm), except for a
    plural.
    """
    return _only(
        candidate
        for candidate in known
        if _close(word, candidate) and not _extends(word, candidate)
    )


def _only(close: Iterable[str]) -> str | None:
    several = set(close)
    return several.pop() if len(several) == 1 else None


def _close(word: str, candidate: str) -> bool:
    """Whether ``word`` is ``candidate`` with one or two typos.

    The first letter and all digits must match (nadam is not adam, cifar100 is not cifar10), and
    at most one letter in three may be wrong.
    """
    word, candidate = _folded(word), _folded(candidate)
    if word == candidate:
        return True
    if not word or not candidate or word[0] != candidate[0] or len(word) > _MAX_LENGTH:
        return False
    if re.findall("[0-9]", word) != re.findall("[0-9]", candidate):
        return False
    return edit_distance(word, candidate) <= min(_MAX_EDITS, len(candidate) // 3)


def _extends(word: str, candidate: str) -> bool:
    shorter, longer = sorted((_folded(word), _folded(candidate)), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :] not in ("", "s")


def _folded(word: str) -> str:
    return plain(word).casefold().replace("-", "_").replace(" ", "_")


def edit_distance(one: str, other: str) -> int:
    """The number of insertions, deletions, substitutions and transpositions.

    The optimal string alignment distance (Damerau 1964), computed row by row.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, above, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 < j and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, above[j - 2] + 1)
            row.append(least)
    return row[-1]
