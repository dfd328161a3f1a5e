"""``Explanation``: one diagnostic code explained, with a bad and a good example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vaezoo.diagnostics import CODES, Severity

#: The area of a code, by its first digit.
GROUPS = {
    "1": "YAML",
    "2": "the spec's schema",
    "3": "components and plugins",
    "4": "shapes, settings and the objective",
    "5": "the zoo",
    "6": "the run",
}


@dataclass(frozen=True)
class Example:
    """A spec or part of a spec in YAML, or shell commands that begin with ``$ ``.

    YAML without the key ``vaezoo`` is a part of a spec. ``files`` maps the names of other files
    that the example needs to their text; ``.py`` files are plugins.
    """

    text: str
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def language(self) -> str:
        """``console`` or ``yaml``."""
        return "console" if self.text.startswith("$ ") else "yaml"


@dataclass(frozen=True)
class Explanation:
    """What a code means.

    ``meaning`` has paragraphs: what is wrong and why it matters. A paragraph indented by four
    spaces is a formula or table and keeps its line breaks. ``advice`` says what to do.
    """

    code: str
    severity: Severity
    meaning: str
    advice: str
    bad: Example
    good: Example

    @property
    def title(self) -> str:
        """A few words on what is wrong."""
        return CODES[self.code]

    @property
    def group(self) -> str:
        """The area of the code, one of ``GROUPS``."""
        return GROUPS[self.code[2]]
