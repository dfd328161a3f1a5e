"""Resolve unquoted scalars by the core schema of YAML 1.2.

PyYAML follows YAML 1.1, where ``1e-3`` is text, ``on`` is true and ``010`` is 8.
"""

from __future__ import annotations

import re

from vaezoo.spec.nodes import Scalar

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = re.compile(r"\.(nan|NaN|NAN)")
#: Python refuses integers of more than 4,300 digits.
_MAX_DIGITS = 1000


def resolve_plain(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError for a number that is too long."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > _MAX_DIGITS and (_DECIMAL.fullmatch(text) or _FLOAT.fullmatch(text)):
        raise ValueError(f"a number of {len(text)} characters")
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    if _NOT_A_NUMBER.fullmatch(text):
        return float("nan")
    if len(text) <= _MAX_DIGITS and _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if len(text) <= _MAX_DIGITS and _OCTAL.fullmatch(text):
        return int(text, 8)
    return text
