"""PyYAML's Python scanner with the tabs of YAML 1.2: between tokens, not in indentation."""

from __future__ import annotations

from typing import Any

import yaml

_BREAKS = "\r\n\x85\u2028\u2029"

_Loader: Any = yaml.SafeLoader


class Loader(_Loader):  # type: ignore[misc]  # PyYAML's classes have no types
    """Accepts tabs between tokens, where PyYAML accepts only blanks."""

    buffer: str

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks, and tabs that do not indent a token."""
        super().scan_to_next_token()
        while self.peek() == "\t" and self._separates():
            self.forward(self._white())
            if not self.flow_level:
                self.allow_simple_key = False  # no mapping or list may start after a tab
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> Any:
        """Blanks and tabs within a plain text, or after it."""
        length = self._white()
        white = self.prefix(length)
        if "\t" not in white:
            return super().scan_plain_spaces(indent, start_mark)
        self.forward(length)
        if self.peek() in _BREAKS:
            return super().scan_plain_spaces(indent, start_mark)
        return [white]

    def scan_block_scalar_indicators(self, start_mark: Any) -> Any:
        """The indicators after ``|`` or ``>``; a tab ends them like a blank."""
        length = 0
        while self.peek(length) in tuple("+-0123456789"):
            length += 1
        if self.peek(length) == "\t":
            place = self.pointer + length
            self.buffer = f"{self.buffer[:place]} {self.buffer[place + 1 :]}"
        return super().scan_block_scalar_indicators(start_mark)

    def scan_block_scalar_ignored_line(self, start_mark: Any) -> None:
        """Skip the rest of that line."""
        self.forward(self._white())
        super().scan_block_scalar_ignored_line(start_mark)

    def _white(self) -> int:
        length = 0
        while self.peek(length) in (" ", "\t"):
            length += 1
        return length

    def _separates(self) -> bool:
        """Whether the line has text before the tab, or only a comment after it."""
        before = self.buffer[self.pointer - self.column : self.pointer]
        return bool(before.strip(" ")) or self.peek(self._white()) in f"#{_BREAKS}\0"
