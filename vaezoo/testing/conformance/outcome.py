"""How a check ends when it does not simply return."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from unittest import SkipTest

C = TypeVar("C", bound=Callable[[Any], None])


class Nonconforming(AssertionError):
    """The component breaks a promise; the message says which, and what to do."""


class NotApplicable(SkipTest):
    """There is nothing to check here; the message says why."""


class Declined(SkipTest):
    """An optional promise is not kept; the message says which."""


def require(condition: object, message: str) -> None:
    """Raise Nonconforming unless ``condition`` holds."""
    __tracebackhide__ = True  # pytest then points at the check, not here
    if not condition:
        raise Nonconforming(message)


def optional(check: C) -> C:
    """A check that only counts where the class says ``strict = True``.

    Elsewhere whatever it raises becomes Declined, which pytest shows as a skip.
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
            cause = " ".join(str(failure).split()) or type(failure).__name__
            raise Declined(f"optional: {cause}") from failure

    lenient.is_optional = True  # type: ignore[attr-defined]
    return lenient  # type: ignore[return-value]


def is_optional(check: Callable[..., None]) -> bool:
    """Whether ``optional`` marks the check."""
    return getattr(check, "is_optional", False)
