"""The names of a new plugin, all from one: of the distribution, the module, the components."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, UsageError

#: What a distribution may be called (PEP 508), as far as it is sensible here.
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
#: so that no line of the code that is written exceeds what formatters allow
_LONGEST = 30
_PREFIX = "vaezoo_"


@dataclass(frozen=True)
class Names:
    """``vaezoo-my-part`` is the module ``vaezoo_my_part`` with components called ``my_part``."""

    distribution: str
    module: str
    base: str

    @property
    def title(self) -> str:
        """The beginning of class names: ``MyPart``."""
        return "".join(part.capitalize() for part in self.base.split("_"))

    @classmethod
    def of(cls, distribution: str) -> Names:
        """Raises UsageError (VZ504) for a name that no package can have, or that is taken."""
        module = re.sub(r"[-_.]+", "_", distribution).lower()
        base = module.removeprefix(_PREFIX)
        if not _DISTRIBUTION.fullmatch(distribution):
            raise _refused(
                f"{distribution!r} cannot be the name of a package",
                "take letters and digits with - _ . between them, such as vaezoo-mine; "
                "--directory says where its folder is made",
            )
        if len(base) > _LONGEST:
            raise _refused(
                f"the name {distribution!r} is too long",
                f"take at most {_LONGEST} characters, after vaezoo- if it begins so",
            )
        if not base.isidentifier() or keyword.iskeyword(module) or keyword.iskeyword(base):
            raise _refused(
                f"{distribution!r} makes no name in Python",
                "begin it, or what follows vaezoo-, with a letter, such as vaezoo-mine",
            )
        taken = importlib.util.find_spec(module)
        if taken is not None and taken.origin is not None:  # None: a folder that is no package
            raise _refused(
                f"there is a module {module} already: {taken.origin}",
                f"choose another name, such as vaezoo-{base.replace('_', '-')}-2",
            )
        return cls(distribution, module, base)


def _refused(message: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("VZ504", message, hint=hint))
