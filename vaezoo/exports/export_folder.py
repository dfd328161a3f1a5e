"""The folder of an export: written beside its place, checked, then moved there in one step."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.system import strict_json
from vaezoo.system.files import check_parent
from vaezoo.system.folders import InTheWay, refuse_link
from vaezoo.system.regular_file import open_regular, read_regular
from vaezoo.zoo.atomic_replace import exchange, sync_folder

#: The file that lists the other files with their SHA-256. A folder with it is an export.
RECORD = "export.json"
_LARGEST_RECORD = 10**6
_CHUNK = 2**20


def check_destination(path: Path, *, force: bool) -> None:
    """Raise ZooError (VZ503) if the folder cannot be created, or not be replaced.

    With ``force``, an earlier export is replaced if it has no other and no changed files.
    """
    with _explained(path):
        if not os.path.lexists(path):
            check_parent(path)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
            return
        refuse_link(path)
        if not path.is_dir():
            raise InTheWay(path, "it is not a folder", f"move {path} away, or change --out")
        if not force:
            raise InTheWay(
                path, "it exists", "choose another folder with --out; --force replaces an export"
            )
        if reason := _not_ours(path):
            raise InTheWay(path, reason, f"move {path} away, or choose another folder with --out")


@contextmanager
def new_folder(path: Path, *, force: bool) -> Iterator[Path]:
    """An empty folder that becomes ``path`` when the block ends, or is deleted if it fails.

    Raises ZooError (VZ503) as ``check_destination`` does.
    """
    staged = path.parent / f".{path.name[:40]}.{secrets.token_hex(8)}.partial"
    with _explained(path):
        staged.mkdir()
    try:
        yield staged
        check_destination(path, force=force)  # it may have appeared or changed
        with _explained(path):
            _move(staged, path)
    finally:
        # after an exchange, this is the replaced export
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(staged)


def write_record(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``export.json``: facts about the export, then every file with its SHA-256."""
    files = {one.name: _digest(one) for one in sorted(folder.iterdir())}
    text = json.dumps({**facts, "files": files}, indent=1, ensure_ascii=False)
    (folder / RECORD).write_text(text + "\n", "utf-8")
    for one in folder.iterdir():
        with one.open("r+b") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _move(staged: Path, path: Path) -> None:
    if not os.path.lexists(path):
        os.rename(staged, path)
    elif not exchange(staged, path):  # the system has no atomic exchange
        old = staged.with_suffix(".replaced")
        os.rename(path, old)
        try:
            os.rename(staged, path)
        except BaseException:
            os.rename(old, path)
            raise
        os.rename(old, staged)
    with contextlib.suppress(OSError):
        sync_folder(path.parent)


def _not_ours(folder: Path) -> str | None:
    """Why a folder is not an unchanged export; None if it is one."""
    found = {one.name for one in folder.iterdir()}
    if not found:
        return None
    if RECORD not in found:
        return f"it is not an export: it has no {RECORD}"
    try:
        content = strict_json.parse(read_regular(folder / RECORD, _LARGEST_RECORD).decode())
        files = {str(name): str(digest) for name, digest in content["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return f"its {RECORD} cannot be read"
    if others := sorted(found - {RECORD} - files.keys()):
        return f"it contains files of others: {', '.join(others[:3])}"
    for name in sorted(found - {RECORD}):
        try:
            changed = _digest(folder / name) != files[name]
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
        if changed:
            return f"{name} was changed since the export"
    return None


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """An OSError inside becomes ZooError (VZ503)."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        hint = error.hint if isinstance(error, InTheWay) else "choose another folder with --out"
        raise ZooError(Diagnostic("VZ503", f"cannot write {path}: {reason}", hint=hint)) from error
