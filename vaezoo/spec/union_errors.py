"""Select the union errors that apply to the spec as written.

For a value with several allowed forms, pydantic reports the errors of every form. Keep those of
the form that the value fits best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from vaezoo.spec.nodes import Path

#: Errors about a key that the data may lack.
OF_KEYS = ("missing", "extra_forbidden")


#: Suffixes of error names that mean the value has another type.
_WRONG_TYPE = ("_type", "_parsing", "_from_float")


@dataclass(frozen=True)
class LocatedError:
    """An error and its path in the spec.

    ``also`` holds the error types of the other forms if no form fits better than another.
    """

    details: ErrorDetails
    path: Path
    also: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """pydantic's name of the error type."""
        return self.details["type"]


@dataclass(frozen=True)
class _Form:
    """One form of a value: the value's path and pydantic's name of the form."""

    place: Path
    name: str | int


def located(
    errors: Iterable[ErrorDetails], data: Any, known: Callable[[Path], bool]
) -> list[LocatedError]:
    """The errors of the best-fitting forms; ``known`` says whether the schema has a path."""
    alone: list[LocatedError] = []
    by_place: dict[Path, dict[_Form, list[LocatedError]]] = {}
    for details in errors:
        path, form = _path(details, data, known)
        if form is None:
            alone.append(LocatedError(details, path))
        else:
            forms = by_place.setdefault(form.place, {})
            forms.setdefault(form, []).append(LocatedError(details, path))
    return [*alone, *(one for place, forms in by_place.items() for one in _best_form(place, forms))]


def _best_form(place: Path, forms: dict[_Form, list[LocatedError]]) -> list[LocatedError]:
    def fits(errors: list[LocatedError]) -> tuple[int, int]:
        return max(map(_depth, errors)), -len(errors)

    best = max(forms.values(), key=fits)
    if fits(best)[0] > len(place):
        return best
    first = best[0]
    others = (one.kind for errors in forms.values() for one in errors)
    return [LocatedError(first.details, place, tuple(dict.fromkeys(others)))]


def _depth(error: LocatedError) -> int:
    """How deep a value fits a form: the depth of the error, plus one if the type is right."""
    is_of_type = not error.kind.endswith(_WRONG_TYPE)
    return len(error.path) + is_of_type


def _path(
    details: ErrorDetails, data: Any, known: Callable[[Path], bool]
) -> tuple[Path, _Form | None]:
    """The error's path without names of forms, and the first form in it."""
    whole = tuple(details["loc"])
    last = whole[-1:] if details["type"] in OF_KEYS else ()
    path: Path = ()
    form: _Form | None = None
    for part in whole[: len(whole) - len(last)]:
        if _has(data, part):
            path, data = (*path, part), data[part]
        elif form is None and known(whole):
            return whole, None  # an invalid default: in the schema, not in the spec
        else:
            form = form or _Form(path, part)
    return (*path, *last), form


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)
