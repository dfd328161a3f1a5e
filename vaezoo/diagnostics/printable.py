"""Escape untrusted text, such as names of specs and files, for a terminal, log or page.

The text is shown but has no effect. Characters that move the cursor, change the direction of
writing, or are invisible become escapes. Commands of logs, markup and links of pages are escaped
so that they read the same and do nothing.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

#: Categories of characters that are never text: controls, formats, surrogates, separators.
_ACTIVE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
#: Invisible letters and marks outside those categories.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: Short escapes.
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "    "}
#: Commands of GitHub's runner: ``::name`` at the start of a line, ``##[name`` anywhere.
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|#(?=#\[)", re.MULTILINE)
#: Markdown markup. Underscores within words and brackets without an address are plain text.
_MARKUP = re.compile(r"[\\`*<|~$]|\](?=[(\[:])|&(?=#?\w+;)|(?<!\w)_|_(?!\w)")
#: Start of a list, heading, quotation or rule.
_BLOCK = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=(?:[-+]|#+)(?:\s|$)|>|[-=]{3}))")
#: Text that GitHub's Markdown links automatically, and commands of its runner.
_LINK = re.compile(
    r"(?:(?<=http|ttps)|(?<=ftp)|(?<=mailto)|(?<=xmpp)):|(?<=www)\.|@|#(?=#\[)", re.IGNORECASE
)
#: An address that may stay a link: its text is its target, in ordinary characters only.
_PLAIN_ADDRESS = re.compile(
    r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/[\w./~%=+#?-]*)?(?=[\s,;)]|$)", re.ASCII
)


def printable(text: str, keep: str = "") -> str:
    r"""Escape control and invisible characters, except those in ``keep``.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable() and _INVISIBLE.isdisjoint(text):  # nearly every text
        return text
    return "".join(c if c in keep or _is_shown(c) else escaped(c) for c in text)


def in_one_line(text: str) -> str:
    """Printable text on one line, with whitespace collapsed."""
    return printable(" ".join(text.split()))


def in_log(text: str) -> str:
    """Printable lines without commands of CI systems."""
    return without_commands(printable(text, keep="\n\t"))


def without_commands(text: str) -> str:
    """Escape commands of CI systems; terminal colors stay."""
    return _COMMAND.sub(_shown_command, text)


def in_json(text: str) -> str:
    """Equivalent JSON text with control and invisible characters escaped."""
    if text.isascii():  # json.dumps escapes the controls itself
        return text
    return "".join(c if c in "\n\t" or _is_shown(c) else _json_escape(c) for c in text)


def in_markdown(text: str, *, links: bool = False) -> str:
    """One line of literal Markdown text: no markup, HTML, image or link.

    With ``links``, plain https addresses stay links.
    """
    line = in_one_line(text)
    if not links:
        return _without_markup(line)
    parts, end = [], 0
    for address in _PLAIN_ADDRESS.finditer(line):
        parts += [_without_markup(line[end : address.start()]), address[0]]
        end = address.end()
    return "".join([*parts, _without_markup(line[end:])])


def in_html(text: str) -> str:
    """Text between tags or in a quoted attribute."""
    return escape(printable(text, keep="\n\t"))


def code_point(character: str) -> str:
    """A character by its number and name: ``U+0430 CYRILLIC SMALL LETTER A``."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _ACTIVE and character not in _INVISIBLE


def escaped(character: str) -> str:
    """A character as an escape: ``\\x1b``, ``\\u202e``."""
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escape(character: str) -> str:
    number = ord(character)
    if number < 0x10000:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _shown_command(match: re.Match[str]) -> str:
    return "\\x23" if match[0] == "#" else f"{match[1]}\\x3a"


def _without_markup(line: str) -> str:
    return _LINK.sub(_entity, _BLOCK.sub(r"\1\\", _MARKUP.sub(_escaped, line)))


def _escaped(match: re.Match[str]) -> str:
    return escape(match[0]) if match[0] in ("<", "&") else f"\\{match[0]}"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
