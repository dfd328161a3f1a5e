"""The base class of all checks."""

from __future__ import annotations

from collections.abc import Iterator


class Conformance:
    """A class of checks: each method ``test_…`` is one, and its docstring says what must hold.

    ``strict = True`` makes optional checks count. ``native = True`` also compiles modules with
    the inductor backend, which is slow and needs a C++ compiler.
    """

    strict: bool = False
    native: bool = False

    @classmethod
    def checks(cls) -> Iterator[str]:
        """The names of the checks, those of base classes first, in the order of definition."""
        seen: set[str] = set()
        for home in reversed(cls.__mro__):
            for name in vars(home):
                if name.startswith("test_") and name not in seen:
                    seen.add(name)
                    yield name
