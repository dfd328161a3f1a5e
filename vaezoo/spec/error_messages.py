"""Messages for values that pydantic rejected, without its jargon."""

from __future__ import annotations

import re
from collections.abc import Sized
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from vaezoo.diagnostics import nearest
from vaezoo.diagnostics.confusables import plain
from vaezoo.registry.fields.number_bounds import Bound, named_bound
from vaezoo.spec.nodes import Path
from vaezoo.spec.scalars import resolve_plain
from vaezoo.spec.spec import FIGURE_PATTERN, LICENSE_PATTERN, NAME_PATTERN
from vaezoo.spec.structure import SchemaPlace
from vaezoo.spec.union_errors import LocatedError

#: A message shows only the start of longer text.
_MAX_SHOWN = 40


class Message(NamedTuple):
    """A finding without its position."""

    code: str
    text: str
    hint: str | None = None


def explain(error: LocatedError, place: SchemaPlace | None) -> Message:
    """The message for one error."""
    details, path, kind = error.details, error.path, error.kind
    name = repr(dotted(path)) if path else "the spec"
    if path == ("vaezoo",) and type(details["input"]) is int:
        return _version(details["input"])
    if kind in _EXPECTED:
        forms = dict.fromkeys(_EXPECTED[form] for form in (kind, *error.also) if form in _EXPECTED)
        text = f"{name} must be {' or '.join(forms)}, not {shown(details['input'])}"
        return Message("VZ203", text, _intended(kind, details["input"]))
    if kind.startswith("vaezoo_"):
        return _custom_error(details, name, place)
    hint = _described(place)
    bound = named_bound(kind, next(iter(details.get("ctx", {}).values()), 0))
    if bound:
        return Message("VZ204", _range(details, name, bound, place), hint)
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


def _intended(kind: str, value: Any) -> str | None:
    """How to write a quoted value: YAML 1.1 reads ``yes`` as true and ``1_000`` as a number."""
    if not isinstance(value, str) or len(value) > _MAX_SHOWN:
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
    return f"write {meant}, without quotes" if known and kind in _NUMBER_OR_BOOLEAN else None


def wrong_length(
    value: Sized, details: ErrorDetails, path: Path, place: SchemaPlace | None
) -> Message | None:
    """The message for a list or mapping of the wrong length as written.

    None if its length is right: pydantic counts only the items that it could parse.
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
    text = f"{dotted(path)!r} needs {wanted}, but {_has(len(value))}"
    return Message("VZ204", text, _described(place))


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _has(number: int) -> str:
    return f"has {number:,}" if number else "is empty"


def dotted(path: Path) -> str:
    """A path in a message: ``visualizers[1].n``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: Any) -> str:
    """A value quoted in a message, shortened if long."""
    match value:
        case None:
            return "null"
        case True | False:
            return str(value).lower()
        case int() | float():
            text = str(value) if isinstance(value, float) or abs(value) < 10**30 else ""
            return text or "a number of more than 30 digits"
        case str():
            is_short = len(value) <= _MAX_SHOWN
            return f"the text {value!r}" if is_short else f"the text {value[:37]!r}…"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(value).__name__}"


_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
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

#: Errors where a number or a boolean is expected.
_NUMBER_OR_BOOLEAN = (
    "int_type",
    "int_parsing",
    "float_type",
    "float_parsing",
    "bool_type",
    "bool_parsing",
)


_LENGTHS = {
    "string_too_short": "needs at least {least} characters",
    "string_too_long": "can have at most {most} characters",
    "multiple_of": "must be a multiple of {multiple_of}",
    "int_parsing_size": "is too large a number",
}

#: Descriptions of patterns; other patterns are shown as they are.
_PATTERNS = {
    NAME_PATTERN: "1 to 100 lowercase letters, digits, '_' or '-', "
    "starting with a letter or a digit",
    LICENSE_PATTERN: "an identifier of letters, digits, '.', '-' or '+', such as cc-by-4.0",
    FIGURE_PATTERN: "SPLIT/FIGURE, such as test/elbo, with SPLIT test, validation or train",
}

#: Errors of vaezoo's own whose messages continue the name of the key.
_PREDICATES = (
    "vaezoo_number_or_schedule",
    "vaezoo_per_layer",
    "vaezoo_range",
    "vaezoo_scale",
    "vaezoo_use_missing",
    "vaezoo_use_type",
)

_CODES = {
    "vaezoo_component": "VZ301",
    "vaezoo_use_missing": "VZ202",
    "vaezoo_use_type": "VZ203",
    "vaezoo_number_or_schedule": "VZ203",
}


def _version(version: int) -> Message:
    hint = "upgrade with pip install -U vaezoo" if version > 1 else "write vaezoo: 1"
    text = f"the spec has format version {version}, but this vaezoo reads version 1"
    return Message("VZ205", text, hint)


def _custom_error(details: ErrorDetails, name: str, place: SchemaPlace | None) -> Message:
    """The message of an error that vaezoo or a plugin raised itself."""
    kind, context = details["type"], details.get("ctx", {})
    code = context.get("code") or _CODES.get(kind, "VZ204")
    hint = context.get("hint") or _described(place)
    text, value = details["msg"], details["input"]
    if kind in _PREDICATES:
        quoted = kind != "vaezoo_range" and not isinstance(value, dict)
        return Message(code, f"{name} {text}{f', not {shown(value)}' if quoted else ''}", hint)
    if kind in ("vaezoo_component", "vaezoo_unknown_name"):
        return Message(code, text, context.get("hint"))
    return Message(code, f"{name}: {text}", hint)


def _range(details: ErrorDetails, name: str, bound: Bound, place: SchemaPlace | None) -> str:
    bounds = (place.bounds if place else []) or [bound.words]
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
    return f"{name} must be {wanted}, not {shown(details['input'])}"


def _limits(details: ErrorDetails) -> dict[str, Any]:
    context = details.get("ctx", {})
    return {
        "least": context.get("min_length"),
        "most": context.get("max_length"),
        "multiple_of": context.get("multiple_of"),
    }


def _described(place: SchemaPlace | None) -> str | None:
    return place.field.description if place and place.field else None
