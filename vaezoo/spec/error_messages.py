"""What we say about a value that pydantic refused, in plain words and without its jargon."""

from __future__ import annotations

import re
from collections.abc import Sized
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from vaezoo.diagnostics import nearest
from vaezoo.diagnostics.confusables import plain
from vaezoo.spec.nodes import Path
from vaezoo.spec.scalars import resolve_plain
from vaezoo.spec.spec import FIGURE_PATTERN, LICENSE_PATTERN, NAME_PATTERN
from vaezoo.spec.structure import SchemaPlace
from vaezoo.spec.union_errors import LocatedError

#: Of longer texts a message shows the beginning.
_LONGEST_SHOWN = 40


class Message(NamedTuple):
    """What a finding says, before it has a place."""

    code: str
    text: str
    hint: str | None = None


def explain(error: LocatedError, place: SchemaPlace | None) -> Message:
    """What is wrong with a value."""
    details, path, kind = error.details, error.path, error.kind
    name = repr(dotted(path)) if path else "the spec"
    if path == ("vaezoo",) and type(details["input"]) is int:
        return _version(details["input"])
    if kind in _WANTED:
        forms = dict.fromkeys(_WANTED[form] for form in (kind, *error.also) if form in _WANTED)
        text = f"{name} must be {' or '.join(forms)}, not {shown(details['input'])}"
        return Message("VZ203", text, _meant(kind, details["input"]))
    if kind.startswith("vaezoo_"):
        return _our_own(details, name)
    hint = _described(place)
    if kind in _RELATIONS:
        return Message("VZ204", _range(details, name, place), hint)
    if kind in ("literal_error", "enum"):
        return _one_of(details, name)
    if kind == "string_pattern_mismatch":
        return Message("VZ204", _pattern(details, name), hint)
    if kind in _LENGTHS:
        return Message("VZ204", f"{name} {_LENGTHS[kind].format(**_limits(details))}", hint)
    if kind in ("value_error", "assertion_error"):
        return Message("VZ204", f"{name}: {details['ctx']['error']}", hint)
    if kind.endswith(("_type", "_parsing")):
        text = f"{name} cannot be {shown(details['input'])}"
        return Message("VZ203", text, hint)
    text = details["msg"].removeprefix("Input ")
    return Message("VZ204", f"{name} {text}, not {shown(details['input'])}", hint)


def _meant(kind: str, value: Any) -> str | None:
    """What a text may be meant as: YAML 1.1 read ``yes`` as true and ``1_000`` as a number."""
    if not isinstance(value, str) or len(value) > _LONGEST_SHOWN:
        return None
    word = plain(value).strip()
    if kind.startswith("bool"):
        written = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        meant = written.get(word.lower(), word.lower())
        known = meant in ("true", "false")
    else:
        meant = re.sub(r"(?<=\d)[_, ](?=\d)", "", word)
        number = resolve_plain(meant)
        known = isinstance(number, int | float) and not isinstance(number, bool)
    return f"write {meant}, without quotes" if known and kind in _OF_WORDS else None


def wrong_length(
    value: Sized, details: ErrorDetails, path: Path, place: SchemaPlace | None
) -> Message | None:
    """What is wrong with the length of a list or mapping as it is written.

    None where nothing is: pydantic counts only those items that it could read.
    """
    least, most = place.length if place else None, None
    if least is not None:
        most, wanted = least, _entries(least)
    else:
        limits = details.get("ctx", {})
        least, most = limits.get("min_length"), limits.get("max_length")
        wanted = f"at least {_entries(least)}" if least else f"at most {_entries(most or 0)}"
    if len(value) >= (least or 0) and (most is None or len(value) <= most):
        return None
    text = f"{dotted(path)!r} needs {wanted}, it has {len(value) or 'none'}"
    return Message("VZ204", text, _described(place))


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def dotted(path: Path) -> str:
    """A path as people write it: ``visualizers[1].n``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: Any) -> str:
    """A value as a message quotes it, however long it is."""
    match value:
        case None:
            return "null"
        case True | False:
            return str(value).lower()
        case int() | float():
            text = str(value) if isinstance(value, float) or abs(value) < 10**30 else ""
            return text or "a number that long"
        case str():
            is_short = len(value) <= _LONGEST_SHOWN
            return f"the text {value!r}" if is_short else f"the text {value[:37]!r}…"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(value).__name__}"


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
    "path_type": "a path",
    "finite_number": "a finite number",
}

#: Where a number, true or false belongs.
_OF_WORDS = ("int_type", "int_parsing", "float_type", "float_parsing", "bool_type", "bool_parsing")

_RELATIONS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}

_LENGTHS = {
    "string_too_short": "needs at least {least} characters",
    "string_too_long": "can have at most {most} characters",
    "multiple_of": "must be a multiple of {multiple_of}",
    "int_parsing_size": "is a number too large to handle",
}

#: Patterns in words; others are shown as they are.
_PATTERNS = {
    NAME_PATTERN: "lower-case letters, digits, '_' and '-', at most 100, "
    "beginning with a letter or a digit",
    LICENSE_PATTERN: "an identifier of letters, digits, '.', '-' and '+', such as cc-by-4.0",
    FIGURE_PATTERN: "a split and a figure, such as test/elbo; "
    "the splits are test, validation and train",
}

_CODES = {
    "vaezoo_component": "VZ301",
    "vaezoo_use_missing": "VZ202",
    "vaezoo_use_type": "VZ203",
    "vaezoo_number_or_schedule": "VZ203",
}


def _version(version: int) -> Message:
    hint = "upgrade vaezoo: pip install -U vaezoo" if version > 1 else "write vaezoo: 1"
    text = f"this spec has format version {version}; this vaezoo reads version 1"
    return Message("VZ205", text, hint)


def _our_own(details: ErrorDetails, name: str) -> Message:
    kind, context = details["type"], details.get("ctx", {})
    code = context.get("code") or _CODES.get(kind, "VZ204")
    if kind == "vaezoo_use_type":
        text = f"{name} must be a name, or a mapping with the key 'use'"
        value = details["input"]
        wrong = "" if isinstance(value, dict) else f", not {shown(value)}"
        return Message(code, text + wrong, context.get("hint"))
    about_name = kind in ("vaezoo_component", "vaezoo_unknown_name")
    text = details["msg"] if about_name else f"{name}: {details['msg']}"
    return Message(code, text, context.get("hint"))


def _range(details: ErrorDetails, name: str, place: SchemaPlace | None) -> str:
    key, relation = _RELATIONS[details["type"]]
    bounds = (place.bounds if place else []) or [f"{relation} {details['ctx'][key]}"]
    return f"{name} must be {' and '.join(bounds)}, not {shown(details['input'])}"


def _one_of(details: ErrorDetails, name: str) -> Message:
    expected = details["ctx"]["expected"]
    options = re.findall(r"'([^']*)'", expected)
    value = details["input"]
    close = nearest(value, options) if isinstance(value, str) else None
    text = f"{name} must be {expected}, not {shown(value)}"
    return Message("VZ204", text, f"did you mean {close!r}?" if close else None)


def _pattern(details: ErrorDetails, name: str) -> str:
    pattern = details["ctx"]["pattern"]
    wanted = _PATTERNS.get(pattern, f"text that matches {pattern}")
    return f"{name} must be {wanted}; not {shown(details['input'])}"


def _limits(details: ErrorDetails) -> dict[str, Any]:
    context = details.get("ctx", {})
    return {
        "least": context.get("min_length"),
        "most": context.get("max_length"),
        "multiple_of": context.get("multiple_of"),
    }


def _described(place: SchemaPlace | None) -> str | None:
    return place.field.description if place and place.field else None
