"""What every class of checks is."""

from __future__ import annotations

from collections.abc import Iterator


class Conformance:
    """A class of checks: its methods ``test_…``, each with a line that says what is promised.

    With ``strict = True`` the optional ones count too. With ``native = True`` modules are
    compiled natively too, which needs a C++ compiler and takes its time.
    """

    strict: bool = False
    native: bool = False

    @classmethod
    def checks(cls) -> Iterator[str]:
        """The names of the checks, the general ones first, each class's in its own order."""
        seen: set[str] = set()
        for home in reversed(cls.__mro__):
            for name in vars(home):
                if name.startswith("test_") and name not in seen:
                    seen.add(name)
                    yield name
