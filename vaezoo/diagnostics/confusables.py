"""Characters that look like others: Cyrillic а like a, a no-break space like a space."""

from __future__ import annotations

import unicodedata

from vaezoo.diagnostics.printable import code_point

_MOST_NAMED = 3

#: Letters of other scripts and typographic signs, by the ASCII character they resemble.
_LOOKALIKES = {
    "a": "аαɑ", "b": "Ьƅ", "c": "сϲ", "d": "ԁ", "e": "еє", "g": "ɡ", "h": "һհ", "i": "іιı",
    "j": "јϳ", "k": "кκ", "l": "ӏ", "m": "м", "n": "ոп", "o": "оοօ", "p": "рρ", "q": "ԛ",
    "s": "ѕ", "t": "тτ", "u": "սυ", "v": "νѵ", "w": "ԝѡ", "x": "хχ", "y": "уγ", "z": "ᴢ",
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "H": "НΗ", "I": "ІΙӀ", "J": "Ј", "K": "КΚ",
    "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "УΥ",
    "Z": "Ζ",
    "-": "‐‑‒–—―−⁃", "'": "‘’‚‛′ʼ", '"': "“”„‟″«»", "/": "⁄∕", "_": "ˍ‗", ":": "∶ː꞉", "*": "∗",
    ",": "‚،", "~": "∼",
}  # fmt: skip
_ASCII = {other: letter for letter, others in _LOOKALIKES.items() for other in others}


def plain(text: str) -> str:
    """Replace characters with the ASCII they resemble; others stay."""
    return text if text.isascii() else "".join(map(_plain, text))


def unmasked(text: str) -> str | None:
    """Describe the confusable characters of ``text``, or None if it has none."""
    strange = [c for c in dict.fromkeys(text) if _plain(c) != c]
    if not strange:
        return None
    named = [f"{code_point(c)} {_looks(_plain(c))}" for c in strange[:_MOST_NAMED]]
    if len(strange) > _MOST_NAMED:
        named.append(f"{len(strange) - _MOST_NAMED} others")
    return ", ".join(named)


def _looks(letter: str) -> str:
    if not letter:
        return "(cannot be seen)"
    return "(looks like a space)" if letter == " " else f"(looks like {letter})"


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if character in _ASCII:
        return _ASCII[character]
    if unicodedata.category(character) == "Cf":
        return ""
    if unicodedata.category(character) == "Zs":
        return " "
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if compatible.isascii() else character
