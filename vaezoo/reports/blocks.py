"""What a report says, apart from how it is set: blocks of prose, formulas, tables, pictures."""

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
    """Text that must not be missed."""

    text: str


@dataclass(frozen=True)
class Code:
    """What is typed or named on a computer."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula within a line, in TeX without dollars."""

    tex: str


Inline = PlainText | Strong | Code | Math
Prose = tuple[Inline, ...]

_MARKS = re.compile(r"\$([^$]+)\$|`([^`]+)`|\*\*([^*]+)\*\*|\{(\w+)\}")


def prose(template: str, **values: object) -> Prose:
    """Text in which `` `…` `` is code, ``$…$`` a formula and ``**…**`` strong.

    ``{name}`` stands for one of ``values``, which is taken as it is: a name or note that holds
    such signs does no harm. It may be a piece of prose itself.
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
    """Text with the marks of ``prose``, in which braces are nothing but braces."""
    pieces = re.split(r"(\$[^$]+\$|`[^`]+`|\*\*[^*]+\*\*)", text)
    return tuple(inline for piece in pieces if piece for inline in _inline(piece))


def _inline(piece: str) -> Prose:
    match = _MARKS.fullmatch(piece)
    if match is None or match[4]:
        return (PlainText(piece),)
    tex, code, strong, _ = match.groups()
    return (Math(tex) if tex else Code(code) if code else Strong(strong),)


def plain(value: object) -> Prose:
    """A value as prose: as it is, or its text."""
    if isinstance(value, PlainText | Strong | Code | Math):
        return (value,)
    if isinstance(value, tuple):
        return value
    return (PlainText(str(value)),) if str(value) else ()


def text_of(line: Prose) -> str:
    """Prose without its marks, formulas in TeX."""
    return "".join(part.tex if isinstance(part, Math) else part.text for part in line)


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    line: Prose


@dataclass(frozen=True)
class Formula:
    """A formula on a line of its own, with its number in the report, such as ``(1)``."""

    tex: str
    number: int


@dataclass(frozen=True)
class DerivationStep:
    """One line of a derivation: TeX that begins with its relation, and why it holds.

    Where ``tex`` has several pieces, a narrow page may break the line between them.
    """

    tex: tuple[str, ...]
    why: Prose = ()


@dataclass(frozen=True)
class Derivation:
    """``left`` in TeX and what it is step by step, the relations one below the other; its number
    in the report, where it is referred to."""

    left: str
    steps: tuple[DerivationStep, ...]
    number: int | None = None


@dataclass(frozen=True)
class Table:
    """Rows under a head; ``align`` has ``l`` or ``r`` for each column."""

    head: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    align: str
    caption: Prose = ()


@dataclass(frozen=True)
class Picture:
    """An image with its caption; ``alt`` says what it shows to those who do not see it."""

    data: bytes
    format: Literal["png", "svg"]
    alt: str
    caption: Prose


@dataclass(frozen=True)
class Listing:
    """Lines to be typed or read as they are, in so many columns."""

    text: str
    columns: int = 1


@dataclass(frozen=True)
class Bullets:
    """Statements one below the other."""

    items: tuple[Prose, ...]


@dataclass(frozen=True)
class Notice:
    """What a reader must know before the rest."""

    line: Prose


@dataclass(frozen=True)
class Side:
    """Columns side by side, with the share of the width that each has."""

    columns: tuple[tuple[Block, ...], ...]
    shares: tuple[float, ...]


Block = Paragraph | Formula | Derivation | Table | Picture | Listing | Bullets | Notice | Side


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class ReportDocument:
    """A whole report."""

    title: str
    subtitle: Prose
    sections: tuple[Section, ...]
    notices: tuple[Notice, ...] = ()
