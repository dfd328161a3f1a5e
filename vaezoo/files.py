"""Files that appear whole or not at all, and the folder for what can be made again."""

from __future__ import annotations

import os
import secrets
import stat
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


def rewrite(path: Path, content: bytes) -> None:
    """Write a file that is there anew, whole or not at all, with the permissions that it has.

    A link stays, and what it leads to is written. Raises OSError, with the old file as it was.
    """
    real = Path(os.path.realpath(path))
    mode = stat.S_IMODE(real.stat().st_mode)
    write_whole(real, content)
    real.chmod(mode)


def in_units(size: int) -> str:
    """Bytes as people read them, by powers of a thousand: ``3.1 GB``."""
    value, units = float(size), ["bytes", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    whole = value >= 9.95 or units[0] == "bytes"
    return f"{value:,.0f} {units[0]}" if whole else f"{value:.1f} {units[0]}"


def cache_folder() -> Path:
    """``$VAEZOO_CACHE``, or the user's cache folder of the system. It need not exist yet."""
    chosen = os.environ.get("VAEZOO_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("vaezoo", appauthor=False))
