"""Check JSON data against Python types, without torch or a schema.

>>> typed([1, 2.5], tuple[float, ...])
(1, 2.5)
>>> typed({"epoch": "1"}, EpochRecord)
ValueError: epoch is a text, not a whole number
"""

from __future__ import annotations

import dataclasses
import math
import types
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

_LARGEST_INTEGER = 2**63
_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    type(None): "null",
}


def typed(value: Any, kind: Any, where: str = "") -> Any:
    """Convert ``value``, parsed from JSON, to ``kind``.

    ``kind`` is a JSON type, a union, a literal, a list, tuple or dictionary of such, a dataclass
    (no other keys allowed) or a TypedDict (others allowed). null becomes NaN where a float is
    expected, since JSON has no NaN. Raises ValueError with the location in the data.
    """
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, where)
    if is_typeddict(kind):
        return _typed_dictionary(value, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(value, arguments, where)
    if origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise ValueError(f"{_at(where)} is not one of {', '.join(map(str, arguments))}")
    if origin in (list, tuple):
        items = _of(value, list, where)
        return origin(typed(item, arguments[0], f"{where}[{i}]") for i, item in enumerate(items))
    if origin is dict:
        pairs = _of(value, dict, where).items()
        return {key: typed(item, arguments[1], _inside(where, key)) for key, item in pairs}
    if kind is float and value is None:
        return math.nan
    return _of(value, kind, where)


def _of(value: Any, kind: type, where: str) -> Any:
    """The value, if it has the plain JSON type ``kind``."""
    if kind in (int, float) and isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        raise ValueError(f"{_at(where)} is too large for a whole number")
    wanted = (int, float) if kind is float else kind
    if isinstance(value, wanted) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{_at(where)} is {_NAMES[type(value)]}, not {_NAMES.get(kind, str(kind))}")


def _union(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    failures = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return typed(value, kind, where)
        except ValueError as error:
            failures.append(error)
    raise failures[-1]


def _dataclass(value: Any, kind: Any, where: str) -> Any:
    data = _of(value, dict, where)
    hints = _hints(kind)
    unknown = data.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{_at(_inside(where, min(unknown)))} is unknown")
    known = {key: typed(item, hints[key], _inside(where, key)) for key, item in data.items()}
    missing = [
        one.name
        for one in dataclasses.fields(kind)
        if one.name not in known
        and one.default is dataclasses.MISSING
        and one.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{_at(_inside(where, missing[0]))} is missing")
    return kind(**known)


def _typed_dictionary(value: Any, kind: Any, where: str) -> dict[str, Any]:
    data = _of(value, dict, where)
    missing = kind.__required_keys__ - data.keys()
    if missing:
        raise ValueError(f"{_at(_inside(where, min(missing)))} is missing")
    hints = _hints(kind)
    return {
        key: typed(item, hints[key], _inside(where, key)) if key in hints else item
        for key, item in data.items()
    }


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _inside(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _at(where: str) -> str:
    return where or "it"
