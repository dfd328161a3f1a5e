"""Old names of renamed entries, which still find them.

A zoo may contain ``renamed.json``, which maps each old name to the current one.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, DiagnosticWarning, Severity
from vaezoo.system import strict_json
from vaezoo.system.regular_file import read_regular

RENAMED = "renamed.json"
#: The size limit in bytes.
_MAX_BYTES = 10**6


def current_name(folder: Path, name: str) -> str | None:
    """The current name of the entry that was called ``name``; None if it was not renamed."""
    return _table(folder / RENAMED).get(name)


def warn_renamed(old: str, current: str) -> None:
    """Warn (VZ505) that an entry was found by its old name."""
    _warn("VZ505", f"{old} was renamed to {current}", f"write {current}")


def _table(path: Path) -> dict[str, str]:
    """The mapping; empty if the file is missing. Warns (VZ502) if it is invalid."""
    try:
        found = strict_json.parse(read_regular(path, _MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and all(isinstance(name, str) for name in found.values()):
        return found
    _warn("VZ502", f"{path} is not a mapping of old names to current ones", "fix or delete it")
    return {}


def _warn(code: str, message: str, hint: str) -> None:
    finding = Diagnostic(code, message, hint=hint, severity=Severity.WARNING)
    warnings.warn(DiagnosticWarning(finding), stacklevel=1)  # once each
