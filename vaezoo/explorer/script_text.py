"""Data inside a script element."""

from __future__ import annotations

import json
from typing import Any

#: Characters that could end the element, or begin a comment or an entity.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def script_json(data: Any) -> str:
    """JSON in ASCII that can stand in a script element, whatever texts it contains.

    Raises ValueError for numbers that are not finite, which JSON does not have.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text
