"""The names of a new plugin, all derived from the name of its distribution."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, UsageError

#: Valid names of distributions (PEP 508).
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
#: keeps lines of the generated code short enough for formatters
_MAX_LENGTH = 30
_PREFIX = "vaezoo_"


@dataclass(frozen=True)
class Names:
    """``vaezoo-my-part`` has the module ``vaezoo_my_part`` and components named ``my_part``."""

    distribution: str
    module: str
    base: str

    @property
    def title(self) -> str:
        """The prefix of class names: ``MyPart``."""
        return "".join(part.capitalize() for part in self.base.split("_"))

    @classmethod
    def of(cls, distribution: str) -> Names:
        """Derive all names. Raises UsageError (VZ504) for a name that is invalid or taken."""
        module = re.sub(r"[-_.]+", "_", distribution).lower()
        base = module.removeprefix(_PREFIX)
        if not _DISTRIBUTION.fullmatch(distribution):
            raise _error(
                f"{distribution!r} is not a valid package name",
                "use letters and digits with - _ . between them, such as vaezoo-mine; "
                "--directory sets the parent folder",
            )
        if len(base) > _MAX_LENGTH:
            raise _error(
                f"the name {distribution!r} is too long",
                f"use at most {_MAX_LENGTH} characters, not counting vaezoo-",
            )
        if not base.isidentifier() or keyword.iskeyword(module) or keyword.iskeyword(base):
            raise _error(
                f"{distribution!r} does not give a valid Python name",
                "start it, or the part after vaezoo-, with a letter, such as vaezoo-mine",
            )
        taken = importlib.util.find_spec(module)
        if taken is not None and taken.origin is not None:  # None: a folder without a package
            raise _error(
                f"the module {module} already exists: {taken.origin}",
                f"choose another name, such as vaezoo-{base.replace('_', '-')}-2",
            )
        return cls(distribution, module, base)


def _error(message: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("VZ504", message, hint=hint))
