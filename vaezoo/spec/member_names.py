"""Names of matrix members: ``fashion`` with β 4 and 10 latents is ``fashion-beta4-latent10``.

A name depends only on the member's own values, so it stays when a matrix gets more values.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from vaezoo.spec.matrix import plain
from vaezoo.spec.nodes import Path

_MAX_NAME = 100
_MAX_VALUE = 40
#: Hash digits for a long value, and for names that would collide.
_VALUE_DIGITS, _NAME_DIGITS = 6, 10


def member_names(base: str, paths: Sequence[Path], members: Sequence[Sequence[Any]]) -> list[str]:
    """A unique name for each member, whose values are in the order of ``paths``."""
    labels = _labels(paths)
    names = ["-".join([base, *map(_shown, labels, row)]) for row in members]
    often = Counter(names)
    return [
        _with_hash(name, row) if often[name] > 1 or len(name) > _MAX_NAME else name
        for name, row in zip(names, members, strict=True)
    ]


def _labels(paths: Sequence[Path]) -> list[str]:
    """The shortest unique suffix of each path, in words."""
    words = [_words(path) for path in paths]
    taken = [1] * len(paths)
    for _ in range(max(map(len, words), default=0)):
        labels = ["_".join(several[-n:]) for several, n in zip(words, taken, strict=True)]
        often = Counter(labels)
        taken = [n + (often[label] > 1) for n, label in zip(taken, labels, strict=True)]
    return ["_".join(several[-n:]) for several, n in zip(words, taken, strict=True)]


def _words(path: Path) -> list[str]:
    """The path's words; a list index is joined to the word before it."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int) and words:
            words[-1] += f"_{part}"
        else:
            words.append(_slug(str(part)))
    return words[:-1] if len(words) > 1 and words[-1] == "use" else words


def _shown(label: str, value: Any) -> str:
    """A label and its value, with ``_`` before a value that is not a number."""
    text = _text(value)
    if len(text) > _MAX_VALUE:
        text = f"{text[: _MAX_VALUE - _VALUE_DIGITS - 1]}_{_digest(value)[:_VALUE_DIGITS]}"
    is_number = text[0] in "-0123456789" and not label[-1].isdigit()
    return f"{label}{text}" if is_number else f"{label}_{text}"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return re.sub(r"e([+-])0*", r"e\1", repr(value)).replace("+", "").replace(".", "_")
        case list():
            return "_".join(map(_text, value)) or "empty"
        case dict():
            named = [_text(value["use"])] if "use" in value else []
            others = [f"{_slug(key)}_{_text(v)}" for key, v in value.items() if key != "use"]
            return "_".join([*named, *others]) or "empty"
    return _slug(str(value))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", text.lower()) or "empty"


def _with_hash(name: str, values: Sequence[Any]) -> str:
    return f"{name[: _MAX_NAME - _NAME_DIGITS - 1]}-{_digest(list(values))[:_NAME_DIGITS]}"


def _digest(value: Any) -> str:
    return hashlib.sha256(plain(value).encode()).hexdigest()
