"""The pictures of an entry that a site may show: checked by content, under safe names.

SVG and HTML are left out, because a browser runs scripts in them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import ZooError
from vaezoo.zoo import Entry

#: Limits of a picture and of an entry.
_LARGEST, _MOST = 16 * 10**6, 60
_MOST_PIXELS_PER_SIDE = 20_000
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: The picture that stands for an entry.
SAMPLES = "samples"

Size = tuple[int, int]


@dataclass(frozen=True)
class EntryPicture:
    """A picture: its title, its file name on the site, its content and its size in pixels."""

    title: str
    file: str
    content: bytes
    width: int
    height: int


@dataclass(frozen=True)
class EntryPictures:
    """The pictures that are shown, samples first, and the names of those that are not."""

    shown: tuple[EntryPicture, ...]
    left_out: tuple[str, ...]

    @property
    def samples(self) -> EntryPicture | None:
        """The picture of samples, if there is one."""
        first = self.shown[0] if self.shown else None
        return first if first and first.title == SAMPLES else None


def entry_pictures(entry: Entry) -> EntryPictures:
    """Read an entry's pictures. One that cannot be read or is no picture is left out."""
    shown: list[EntryPicture] = []
    left_out: list[str] = []
    for path in sorted(entry.figures, key=lambda one: (one.stem != SAMPLES, one.name)):
        content = _content(entry, path) if len(shown) < _MOST else None
        size = size_of(content, path.suffix) if content else None
        if content is None or size is None:
            left_out.append(path.name)
            continue
        safe = path.stem if _SAFE_NAME.fullmatch(path.stem) else f"picture-{len(shown) + 1}"
        taken = {one.file for one in shown}
        file = f"{safe}{path.suffix}"
        file = f"picture-{len(shown) + 1}-{len(taken)}{path.suffix}" if file in taken else file
        shown.append(EntryPicture(path.stem.replace("_", " "), file, content, *size))
    return EntryPictures(tuple(shown), tuple(left_out))


def size_of(content: bytes, suffix: str) -> Size | None:
    """The size in pixels by the file's header; None if it does not have the suffix's format."""
    read = _READERS.get(suffix)
    try:
        size = read(content) if read else None
    except (struct.error, IndexError):
        return None
    return size if size and all(0 < side <= _MOST_PIXELS_PER_SIDE for side in size) else None


def _content(entry: Entry, path: Path) -> bytes | None:
    try:
        content = entry.picture(path)
    except ZooError:
        return None
    return content if len(content) <= _LARGEST else None


def _png(content: bytes) -> Size | None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _gif(content: bytes) -> Size | None:
    if content[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack("<HH", content[6:10])
    return width, height


def _webp(content: bytes) -> Size | None:
    """https://developers.google.com/speed/webp/docs/riff_container"""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    if content[12:16] == b"VP8X":
        width = int.from_bytes(content[24:27], "little") + 1
        return width, int.from_bytes(content[27:30], "little") + 1
    if content[12:16] == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", content[26:30])
    return width & 0x3FFF, height & 0x3FFF


_READERS: dict[str, Callable[[bytes], Size | None]] = {".png": _png, ".gif": _gif, ".webp": _webp}
