"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, *parts: bytes) -> None:
    """Write ``parts`` one after another to ``path``, in place of what was there.

    Another process sees the old file or the new one, and so does the next start of a machine
    that loses power. Raises OSError, with the old file as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
