"""``Explanation``: one code in words, with an example of the fault and one without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vaezoo.diagnostics import CODES, Severity

#: The first digit of a code -> where it comes from.
GROUPS = {
    "1": "YAML",
    "2": "the spec's schema",
    "3": "components and plugins",
    "4": "shapes, settings and the objective",
    "5": "the zoo",
    "6": "the run",
    "7": "exports",
}


@dataclass(frozen=True)
class Example:
    """A spec in YAML, or where ``text`` begins with ``$ `` commands for a shell.

    YAML without the key ``vaezoo`` is a part of a spec. ``beside`` holds the other files that the
    text goes by, by name; those that end in ``.py`` are plugins.
    """

    text: str
    beside: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def language(self) -> str:
        """``console`` or ``yaml``."""
        return "console" if self.text.startswith("$ ") else "yaml"


@dataclass(frozen=True)
class Explanation:
    """A code in words.

    ``meaning`` says in paragraphs what is wrong and why that matters; a paragraph that is
    indented by four blanks is a formula or a listing, and keeps its lines. ``advice`` says what
    to do, in a sentence or two. Findings of ``severity`` warning leave a spec usable.
    """

    code: str
    meaning: str
    advice: str
    bad: Example
    good: Example
    severity: Severity = Severity.ERROR

    @property
    def title(self) -> str:
        """The meaning in a few words."""
        return CODES[self.code]

    @property
    def group(self) -> str:
        """Where such findings come from."""
        return GROUPS[self.code[2]]
