"""Which known word a misspelt one can only be.

Much narrower than the hint "did you mean": a hint that is wrong costs nothing, a repair that is
wrong changes what is trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vaezoo.diagnostics.confusables import plain

_MOST_SLIPS = 2
_LONGEST = 100


def only_key(word: str, known: Iterable[str]) -> str | None:
    """The one known key that is close to ``word``; None where there is none, or several."""
    return _only(candidate for candidate in known if _close(word, candidate))


def only_name(word: str, known: Iterable[str]) -> str | None:
    """The one known name that is close to ``word``.

    A name that goes on where a known one ends, or ends before, is another name (adamw, sgdm),
    but for a plural.
    """
    return _only(
        candidate
        for candidate in known
        if _close(word, candidate) and not _goes_on(word, candidate)
    )


def _only(close: Iterable[str]) -> str | None:
    several = set(close)
    return several.pop() if len(several) == 1 else None


def _close(word: str, candidate: str) -> bool:
    """Whether ``word`` is ``candidate`` with a slip or two.

    The first letter is right (nadam is not adam), and so are all digits (cifar100 is not
    cifar10); of three letters one may be wrong.
    """
    word, candidate = _folded(word), _folded(candidate)
    if word == candidate:
        return True
    if not word or not candidate or word[0] != candidate[0] or len(word) > _LONGEST:
        return False
    if re.findall("[0-9]", word) != re.findall("[0-9]", candidate):
        return False
    return slips(word, candidate) <= min(_MOST_SLIPS, len(candidate) // 3)


def _goes_on(word: str, candidate: str) -> bool:
    shorter, longer = sorted((_folded(word), _folded(candidate)), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :] not in ("", "s")


def _folded(word: str) -> str:
    return plain(word).casefold().replace("-", "_").replace(" ", "_")


def slips(one: str, other: str) -> int:
    """How many letters are missing, too many, wrong or in the wrong order.

    The distance of optimal string alignment (Damerau 1964), a row of its table at a time.
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
