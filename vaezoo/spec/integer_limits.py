"""Reject integers that do not fit in 64 bits, which no library below accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from vaezoo.diagnostics import Diagnostic
from vaezoo.spec.error_messages import dotted
from vaezoo.spec.nodes import Path
from vaezoo.spec.positions import Positions

#: Largest absolute value.
LARGEST = 2**63 - 1


def integer_findings(value: Any, places: Positions) -> Iterator[Diagnostic]:
    """A finding for each integer in a spec that does not fit in 64 bits."""
    for path in _too_large(value, ()):
        yield Diagnostic(
            "VZ204",
            f"{dotted(path)!r} does not fit in 64 bits",
            places.of(*path),
            hint=f"the largest integer is {LARGEST}",
        )


def _too_large(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, int):
        if abs(value) > LARGEST:
            yield path
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _too_large(getattr(value, name), (*path, name))
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _too_large(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _too_large(item, (*path, str(key)))
