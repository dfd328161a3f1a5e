"""The content of a report, independent of its format: blocks of text, tables and pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PlainText:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Strong:
    """Bold text."""

    text: str


@dataclass(frozen=True)
class Code:
    """Code, a command or a name."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula within a line, in TeX without dollars."""

    tex: str


Inline = PlainText | Strong | Code | Math
Prose = tuple[Inline, ...]

_MARKS = re.compile(r"\$([^$]+)\$|`([^`]+)`|\*\*([^*]+)\*\*|\{(\w+)\}")


def prose(template: str, **values: object) -> Prose:
    """Parse a template: `` `…` `` is code, ``$…$`` a formula, ``**…**`` bold.

    ``{name}`` inserts one of ``values``, text or prose, without parsing it.
    """
    found: list[Inline] = []
    end = 0
    for match in _MARKS.finditer(template):
        if match.start() > end:
            found.append(PlainText(template[end : match.start()]))
        end = match.end()
        tex, code, strong, name = match.groups()
        if tex:
            found.append(Math(tex))
        elif code:
            found.append(Code(code.format_map(values)))
        elif strong:
            found.append(Strong(strong.format_map(values)))
        else:
            found += plain(values[name])
    if end < len(template):
        found.append(PlainText(template[end:]))
    return tuple(found)


def marked(text: str) -> Prose:
    """Parse text with the marks of ``prose``, but literal braces."""
    pieces = re.split(r"(\$[^$]+\$|`[^`]+`|\*\*[^*]+\*\*)", text)
    return tuple(inline for piece in pieces if piece for inline in _inline(piece))


def _inline(piece: str) -> Prose:
    match = _MARKS.fullmatch(piece)
    if match is None or match[4]:
        return (PlainText(piece),)
    tex, code, strong, _ = match.groups()
    return (Math(tex) if tex else Code(code) if code else Strong(strong),)


def plain(value: object) -> Prose:
    """A value as prose: unchanged if it is prose, else its text."""
    if isinstance(value, PlainText | Strong | Code | Math):
        return (value,)
    if isinstance(value, tuple):
        return value
    return (PlainText(str(value)),) if str(value) else ()


def text_of(line: Prose) -> str:
    """Prose as plain text, with formulas in TeX."""
    return "".join(part.tex if isinstance(part, Math) else part.text for part in line)


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    line: Prose


@dataclass(frozen=True)
class Formula:
    """A displayed formula with its number in the report, such as ``(1)``."""

    tex: str
    number: int


@dataclass(frozen=True)
class DerivationStep:
    """One line of a derivation: TeX that starts with its relation, and the reason.

    A narrow page may break the line between the pieces of ``tex``.
    """

    tex: tuple[str, ...]
    why: Prose = ()


@dataclass(frozen=True)
class Derivation:
    """``left`` in TeX and the steps with aligned relations; ``number`` if it is referenced."""

    left: str
    steps: tuple[DerivationStep, ...]
    number: int | None = None


@dataclass(frozen=True)
class Table:
    """A head and rows; ``align`` has ``l`` or ``r`` for each column."""

    head: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    align: str
    caption: Prose = ()


@dataclass(frozen=True)
class Picture:
    """An image with its caption and its alternative text."""

    data: bytes
    format: Literal["png", "svg"]
    alt: str
    caption: Prose


@dataclass(frozen=True)
class Listing:
    """Preformatted lines, in ``columns`` columns."""

    text: str
    columns: int = 1


@dataclass(frozen=True)
class Bullets:
    """A bulleted list."""

    items: tuple[Prose, ...]


@dataclass(frozen=True)
class Notice:
    """A warning before the rest."""

    line: Prose


@dataclass(frozen=True)
class Side:
    """Columns side by side, with their shares of the width."""

    columns: tuple[tuple[Block, ...], ...]
    shares: tuple[float, ...]


Block = Paragraph | Formula | Derivation | Table | Picture | Listing | Bullets | Notice | Side


@dataclass(frozen=True)
class Section:
    """A heading and its blocks."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class ReportDocument:
    """A whole report."""

    title: str
    subtitle: Prose
    sections: tuple[Section, ...]
    notices: tuple[Notice, ...] = ()
