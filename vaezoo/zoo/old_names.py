"""Names that entries had before they were renamed, so that an old name still finds its entry.

A zoo may hold ``renamed.json``: a mapping of each old name to the present one.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, DiagnosticWarning, Severity
from vaezoo.system import strict_json
from vaezoo.system.regular_file import read_regular

RENAMED = "renamed.json"
#: bytes of it beyond which it is damage
_LARGEST = 10**6


def present_name(folder: Path, name: str) -> str | None:
    """What the entry that was called ``name`` in this zoo is called now, if it was renamed."""
    return _table(folder / RENAMED).get(name)


def tell_renamed(old: str, present: str) -> None:
    """Warn (VZ505) that an entry was found by a name that it had before."""
    _warn("VZ505", f"{old} is called {present} now", f"write {present}")


def _table(path: Path) -> dict[str, str]:
    """The mapping, empty where there is none; warns (VZ502) where it cannot be read."""
    try:
        found = strict_json.parse(read_regular(path, _LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and all(isinstance(name, str) for name in found.values()):
        return found
    _warn("VZ502", f"{path} is not a mapping of old names to present ones", "mend or delete it")
    return {}


def _warn(code: str, message: str, hint: str) -> None:
    finding = Diagnostic(code, message, hint=hint, severity=Severity.WARNING)
    warnings.warn(DiagnosticWarning(finding), stacklevel=1)  # each once, wherever from
