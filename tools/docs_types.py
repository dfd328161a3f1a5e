"""Type, range and default of a pydantic field as text."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import Any

from annotated_types import GroupedMetadata
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from vaezoo.components.datasets.image_folder import BACKGROUND_PATTERN
from vaezoo.registry import Component
from vaezoo.registry.catalogue.describe import shown
from vaezoo.registry.fields import Binarization, Initializer
from vaezoo.registry.fields.activation import ActivationFunction
from vaezoo.registry.fields.number_bounds import bounds_in
from vaezoo.registry.fields.schedule import BoundedBelow
from vaezoo.spec.spec import FIGURE_PATTERN, LICENSE_PATTERN, NAME_PATTERN

#: Type and range that a function in a BeforeValidator accepts.
VALIDATED = {
    "_scale": ("number or `learned`", "> 0"),
    "_integer_or_list": ("integer, or list of integers", "≥ 1"),
}
PLAIN = {int: "integer", float: "number", bool: "`true` or `false`", str: "text"}
PATTERNS = {
    NAME_PATTERN: "`a`-`z`, `0`-`9`, `_`, `-`; starts with a letter or digit; at most 100",
    LICENSE_PATTERN: "letters, digits, `.`, `-`, `+`; at most 64",
    FIGURE_PATTERN: "`test/…`, `validation/…` or `train/…`",
    BACKGROUND_PATTERN: "`white`, `black` or `#rrggbb`",
}


@dataclass(frozen=True)
class TypeText:
    """Type and range of a value; the range may be empty."""

    type: str
    range: str = ""


def field_type(field: FieldInfo) -> TypeText:
    """Type and range of a field."""
    return type_text(field.annotation, tuple(field.metadata))


def type_text(annotation: Any, metadata: tuple[Any, ...] = ()) -> TypeText:
    """Type and range of an annotation with the constraints in ``metadata``."""
    inner, own = _strip(annotation)
    metadata = _flat((*own, *metadata))
    for marker in metadata:
        if isinstance(marker, BeforeValidator):
            return _validated(marker.func)
    if inner == Initializer:
        return TypeText("[initializer](#initializers)")
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if inner is Binarization:
        choices = _choice(typing.get_args(Binarization.model_fields["use"].annotation))
        return TypeText("text, or mapping with `use` and `seed`", choices.range)
    if origin is typing.Literal:
        return _choice(arguments)
    if origin in (typing.Union, types.UnionType):
        options = [argument for argument in arguments if argument is not type(None)]
        texts = [type_text(option, metadata) for option in options]
        ranges = dict.fromkeys(text.range for text in texts if text.range)
        return TypeText(" or ".join(text.type for text in texts), "; ".join(ranges))
    if origin is tuple:
        return _list(arguments, metadata)
    return TypeText(_class(inner), _range(metadata, "character"))


def default(field: FieldInfo) -> str:
    """The default in YAML, or ``required``."""
    return "required" if field.is_required() else f"`{as_yaml(field.default)}`"


def as_yaml(value: Any) -> str:
    """A value as YAML in one line."""
    return shown(_plain(value))


def _plain(value: Any) -> Any:
    """A value with its models as mappings, a binarization as its name."""
    match value:
        case Binarization():
            return value.use
        case BaseModel():
            return {key: _plain(one) for key, one in value}
        case tuple() | list():
            return [_plain(one) for one in value]
    return value


def kind_anchor(kind: str) -> str:
    """The anchor of a kind's section in the list of components."""
    return {"loss": "losses"}.get(kind, f"{kind}s")


def _validated(function: Any) -> TypeText:
    if isinstance(function, BoundedBelow):
        return TypeText("number or [schedule](#schedules)", function.bound.symbols)
    if function.__name__ not in VALIDATED:
        raise LookupError(f"add {function.__name__} to VALIDATED in tools/docs_types.py")
    return TypeText(*VALIDATED[function.__name__])


def _choice(options: tuple[Any, ...]) -> TypeText:
    noun = PLAIN[type(options[0])]
    return TypeText(noun, ", ".join(f"`{option}`" for option in options))


def _list(arguments: tuple[Any, ...], metadata: tuple[Any, ...]) -> TypeText:
    item = type_text(arguments[0])
    several = item.type.replace("]", "s]", 1) if "](" in item.type else f"{item.type}s"
    count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
    each = "any of" if item.range.startswith("`") else "each"
    ranges = [f"{each} {item.range}" if item.range else "", _range(metadata, "item")]
    return TypeText(f"list of {count}{several}", "; ".join(filter(None, ranges)))


def _class(inner: Any) -> str:
    if inner in PLAIN:
        return PLAIN[inner]
    if issubclass(inner, ActivationFunction):
        return "[activation](#activations)"
    if issubclass(inner, Component):
        return f"[{inner.kind}](#{kind_anchor(inner.kind)})"
    if issubclass(inner, BaseModel):
        return "mapping"
    raise LookupError(f"add {inner} to _class in tools/docs_types.py")


def _range(metadata: tuple[Any, ...], noun: str) -> str:
    found = [bound.symbols for bound in bounds_in(metadata)]
    for marker in metadata:
        if getattr(marker, "min_length", 0):
            found.append(f"at least {_counted(marker.min_length, noun)}")
        if getattr(marker, "max_length", None):
            found.append(f"at most {_counted(marker.max_length, noun)}")
        if getattr(marker, "pattern", None):
            found.append(PATTERNS[marker.pattern])
    return ", ".join(found)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _strip(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(annotation) is not typing.Annotated:
        return annotation, ()
    inner, *metadata = typing.get_args(annotation)
    return inner, tuple(metadata)


def _flat(metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    """Constraints, with groups expanded."""
    flat: list[Any] = []
    for marker in metadata:
        if isinstance(marker, FieldInfo):
            flat += _flat(tuple(marker.metadata))
        else:
            flat += list(marker) if isinstance(marker, GroupedMetadata) else [marker]
    return tuple(flat)
