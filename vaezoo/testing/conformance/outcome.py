"""Exceptions that end a check, and optional checks."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar
from unittest import SkipTest

#: Longest cause, in characters: a compiler explains itself on many lines.
_LONGEST = 300

C = TypeVar("C", bound=Callable[[Any], None])


class Nonconforming(AssertionError):
    """The check failed; the message says why, and what to do."""


class NotApplicable(SkipTest):
    """There is nothing to check; the message says why."""


class Declined(SkipTest):
    """An optional check failed; the message says why."""


def require(condition: object, message: str) -> None:
    """Raise Nonconforming unless ``condition`` holds."""
    __tracebackhide__ = True  # pytest then points to the check
    if not condition:
        raise Nonconforming(message)


def optional(check: C) -> C:
    """Mark a check that counts only with ``strict = True``.

    Otherwise its failure becomes Declined, which pytest shows as a skip.
    """

    @functools.wraps(check)
    def lenient(self: Any) -> None:
        try:
            check(self)
        except SkipTest:
            raise
        except Exception as failure:
            if self.strict:
                raise
            cause = textwrap.shorten(str(failure), _LONGEST) or type(failure).__name__
            raise Declined(f"optional: {cause}") from failure

    lenient.is_optional = True  # type: ignore[attr-defined]
    return lenient  # type: ignore[return-value]


def is_optional(check: Callable[..., None]) -> bool:
    """Whether the check is marked with ``optional``."""
    return getattr(check, "is_optional", False)
