"""The pages and their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``name`` is the file named in its first line, if any."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str | None:
        first = re.match(r"# ([\w.]+\.(?:py|yaml))\n", self.text)
        return first[1] if first else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str, page: str | None = None) -> list[Block]:
    """All blocks in a language, of one page or of all."""
    found = []
    for path in (path for path in PAGES if page in (None, path.name)):
        text = path.read_text("utf-8")
        for match in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            indent, found_language, content = match.groups()
            content = re.sub(rf"^{indent}", "", content, flags=re.MULTILINE)
            found.append(Block(path.name, line, found_language, content))
    return [block for block in found if block.language == language]


def write_named(found: list[Block], folder: Path) -> list[Path]:
    """Write the blocks that name a file to ``folder``."""
    paths = []
    for block in found:
        if block.name:
            paths.append(folder / block.name)
            paths[-1].write_text(block.text, "utf-8")
    return paths
