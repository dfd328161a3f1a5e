"""The result of one check, and of all checks of an entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import VaezooError
from vaezoo.system.out_of_memory import OUT_OF_MEMORY


@dataclass(frozen=True)
class Check:
    """One check: ``detail`` describes the result.

    ``passed`` is None if the check could not run, for a reason that fails another check.
    """

    what: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All checks of one entry."""

    name: str
    path: Path
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed is not False for check in self.checks)


def one_line(error: VaezooError) -> str:
    """An error in one line, as the detail of a check.

    Raises the error where memory ran out: that says nothing about an entry.
    """
    if any(finding.code == OUT_OF_MEMORY for finding in error.diagnostics):
        raise error
    findings = [
        (finding, f" ({finding.hint})" if finding.hint else "") for finding in error.diagnostics
    ]
    return "; ".join(f"{finding.code} {finding.message}{hint}" for finding, hint in findings)
