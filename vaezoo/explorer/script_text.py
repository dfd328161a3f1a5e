"""Data inside a script element."""

from __future__ import annotations

import json
from typing import Any

#: Characters that could end the element, begin a comment or an entity, or end a line of script.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def script_json(data: Any) -> str:
    """JSON in ASCII that can stand in a script element, whatever texts it contains.

    Raises ValueError for numbers that are not finite, which JSON does not have.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return "".join(_ESCAPES.get(character, character) for character in text) if (
        "<" in text or ">" in text or "&" in text
    ) else text
