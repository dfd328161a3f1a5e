"""Findings, the error hierarchy and exit codes.

The errors, each with the exit code of the command::

    VaezooError                 1
    ├── SpecError               1   a spec that cannot be used, with all its findings
    ├── PluginError             1   a component or plugin that is missing, broken or ambiguous
    ├── UsageError              2   wrong arguments: an unknown entry, metric or visualizer
    ├── ZooError                3   an entry or weights file that cannot be read or written
    ├── RunError                3   training or evaluation that failed
    │   ├── DataError           3   a dataset that cannot be loaded
    │   └── DivergenceError     3   an objective that became NaN or infinite
    └── Interrupted           130   stopped by the user; the same command resumes

Codes are stable: ``VZ1xx`` YAML, ``VZ2xx`` schema, ``VZ3xx`` registry and plugins,
``VZ4xx`` shapes and objective (from ``VZ411`` on the lint), ``VZ5xx`` zoo, ``VZ6xx`` run,
``VZ7xx`` exports.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vaezoo.diagnostics.codes import CODES
from vaezoo.diagnostics.printable import in_log, printable


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


#: Line breaks in YAML, and so in every Position.
LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True, order=True)
class Position:
    """A place in a text; line and column count from 1."""

    line: int
    column: int


class Piped(str):
    """The name and content of a source read from a pipe, which can be read only once."""

    content: bytes

    def __new__(cls, name: str, content: bytes) -> Piped:
        self = super().__new__(cls, name)
        self.content = content
        return self


@dataclass(frozen=True)
class Span:
    """A range of a source: a file's path, or a command-line argument as it was typed."""

    source: str
    start: Position
    end: Position

    def __str__(self) -> str:
        return f"{self.source}:{self.start.line}:{self.start.column}"


@dataclass(frozen=True)
class Related:
    """Another location of a finding, such as the spec that extends a base."""

    message: str
    span: Span


@dataclass(frozen=True)
class Diagnostic:
    """One finding. ``message`` says what is wrong, ``hint`` what to do about it."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    related: tuple[Related, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not a known diagnostic code")


class VaezooError(Exception):
    """Base class of all vaezoo errors; holds the findings."""

    exit_code = 1

    def __init__(self, *diagnostics: Diagnostic) -> None:
        if not diagnostics:
            raise ValueError("an error needs at least one diagnostic")
        self.diagnostics = diagnostics
        super().__init__("\n".join(describe(d) for d in diagnostics))


class SpecError(VaezooError):
    """A spec that cannot be used."""


class PluginError(VaezooError):
    """A component or plugin that is missing, broken or ambiguous."""


class UsageError(VaezooError):
    """Wrong arguments."""

    exit_code = 2


class ZooError(VaezooError):
    """An entry or weights file that cannot be read or written."""

    exit_code = 3


class RunError(VaezooError):
    """A run that failed."""

    exit_code = 3


class DataError(RunError):
    """A dataset that cannot be loaded."""


class DivergenceError(RunError):
    """An objective that became NaN or infinite."""


class Interrupted(VaezooError):
    """Stopped by the user; the run can be resumed."""

    exit_code = 130


class DiagnosticWarning(UserWarning):
    """A non-fatal finding as a Python warning."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(describe(diagnostic))


def warn(diagnostic: Diagnostic) -> None:
    """Issue a finding as a Python warning."""
    warnings.warn(DiagnosticWarning(diagnostic), stacklevel=3)


@contextlib.contextmanager
def forward_warnings(handle: Callable[[Diagnostic], object]) -> Iterator[None]:
    """Pass each distinct ``DiagnosticWarning``'s finding to ``handle``; show other warnings."""
    with warnings.catch_warnings():
        show_other = warnings.showwarning

        def show(message: Warning | str, *details: Any, **options: Any) -> None:
            if isinstance(message, DiagnosticWarning):
                handle(message.diagnostic)
            else:
                show_other(message, *details, **options)

        warnings.showwarning = show
        warnings.simplefilter("once", DiagnosticWarning)
        yield


def describe(diagnostic: Diagnostic) -> str:
    """One finding as plain text: location, code, message, hint."""
    place = f"{diagnostic.span}: " if diagnostic.span else ""
    text = printable(f"{place}{diagnostic.severity} {diagnostic.code}: {diagnostic.message}")
    return in_log(f"{text}\n  help: {diagnostic.hint}" if diagnostic.hint else text)
