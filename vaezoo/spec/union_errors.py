"""Which of pydantic's errors are about the spec as it was written.

Where a value may have several forms, pydantic tells what is wrong with it as each of them. One
form was meant: the one that the value fits furthest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from vaezoo.spec.nodes import Path

#: Errors about a key, which the data need not have.
OF_KEYS = ("missing", "extra_forbidden")


#: How the names of those errors end that leave no doubt that another type was written.
_OF_ANOTHER_TYPE = ("_type", "_parsing", "_from_float")


@dataclass(frozen=True)
class LocatedError:
    """An error and its path in the spec; ``also`` are the types of those that came with it, where
    no form fits better than another."""

    details: ErrorDetails
    path: Path
    also: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What pydantic calls it."""
        return self.details["type"]


@dataclass(frozen=True)
class _Form:
    """One form of a value: where the value stands, and what pydantic calls the form."""

    place: Path
    name: str | int


def located(
    errors: Iterable[ErrorDetails], data: Any, known: Callable[[Path], bool]
) -> list[LocatedError]:
    """The errors about the forms that were meant; ``known`` says whether the schema has a path."""
    alone: list[LocatedError] = []
    by_place: dict[Path, dict[_Form, list[LocatedError]]] = {}
    for details in errors:
        path, form = _path(details, data, known)
        if form is None:
            alone.append(LocatedError(details, path))
        else:
            forms = by_place.setdefault(form.place, {})
            forms.setdefault(form, []).append(LocatedError(details, path))
    return [*alone, *(one for place, forms in by_place.items() for one in _meant(place, forms))]


def _meant(place: Path, forms: dict[_Form, list[LocatedError]]) -> list[LocatedError]:
    def fits(errors: list[LocatedError]) -> tuple[int, int]:
        return max(map(_depth, errors)), -len(errors)

    best = max(forms.values(), key=fits)
    if fits(best)[0] > len(place):
        return best
    first = best[0]
    others = (one.kind for errors in forms.values() for one in errors)
    return [LocatedError(first.details, place, tuple(dict.fromkeys(others)))]


def _depth(error: LocatedError) -> int:
    """How far a value fits a form: to the place of the error, and beyond it where its type does."""
    is_of_type = not error.kind.endswith(_OF_ANOTHER_TYPE)
    return len(error.path) + is_of_type


def _path(
    details: ErrorDetails, data: Any, known: Callable[[Path], bool]
) -> tuple[Path, _Form | None]:
    """The error's path without the names of forms, and the first of these."""
    whole = tuple(details["loc"])
    last = whole[-1:] if details["type"] in OF_KEYS else ()
    path: Path = ()
    form: _Form | None = None
    for part in whole[: len(whole) - len(last)]:
        if _has(data, part):
            path, data = (*path, part), data[part]
        elif form is None and known(whole):
            return whole, None  # a default that is wrong: the schema has its place, the spec not
        else:
            form = form or _Form(path, part)
    return (*path, *last), form


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)
