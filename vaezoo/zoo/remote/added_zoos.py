"""Short names of remote zoos: ``lab`` for ``hf://our-lab/zoo``, in the user's config folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.system import strict_json
from vaezoo.system.file_lock import locked
from vaezoo.system.files import config_folder, write_whole
from vaezoo.system.regular_file import read_regular
from vaezoo.system.typed_json import typed
from vaezoo.zoo.remote.address import Address, zoo_address

_FILE, _LOCK = "zoos.json", ".zoos.lock"
_FORMAT = "vaezoo zoos 1"
_SHORT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MAX_BYTES = 10**6
_LOCK_TIMEOUT = 10.0


def added_zoos() -> dict[str, Address]:
    """The address of each short name, sorted. Raises ZooError (VZ502) for a damaged file."""
    path = config_folder() / _FILE
    try:
        data = typed(strict_json.parse(read_regular(path, _MAX_BYTES)), dict[str, object])
        if data.get("format") != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT!r}")
        zoos: dict[str, str] = typed(data.get("zoos"), dict[str, str], "zoos")
        wrong = [name for name in zoos if not _SHORT_NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not a short name")
        return {name: zoo_address(zoos[name]) for name in sorted(zoos)}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _damaged(path, error.strerror) from None
    except UsageError as error:
        raise _damaged(path, error.diagnostics[0].message) from None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from None


def add_zoo(name: str, address: str) -> Address:
    """Give a remote zoo a short name: ``lab/NAME`` then finds its entries.

    The zoo is not contacted. Raises UsageError (VZ510) for an address or name that cannot be used,
    ZooError (VZ503) if the file cannot be written.
    """
    zoo = zoo_address(address)
    if not _SHORT_NAME.fullmatch(name):
        raise _refused(
            f"{name!r} cannot be a short name",
            "use 1 to 40 lowercase letters, digits, '_' or '-'",
        )
    if zoo.secret:
        raise _refused(
            f"the address {zoo} was given with a password, which vaezoo does not store",
            "leave user and password out of the address and write them to ~/.netrc",
        )
    with _changed() as zoos:
        known = zoos.setdefault(name, zoo)
        if known != zoo:
            raise _refused(
                f"{name} is already the short name of {known}",
                f"choose another name, or 'vaezoo zoo remove {name}' first",
            )
    return zoo


def remove_zoo(name: str) -> Address:
    """Forget a short name; downloaded entries stay. Raises UsageError (VZ510) if it is unknown."""
    with _changed() as zoos:
        if name not in zoos:
            hint = suggest(name, list(zoos), "short names")
            raise _refused(f"{name!r} is not the short name of a zoo", hint)
        return zoos.pop(name)


@contextmanager
def _changed() -> Iterator[dict[str, Address]]:
    """The short names under a lock; they are written at the end."""
    folder = config_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / _LOCK, timeout=_LOCK_TIMEOUT):
            zoos = added_zoos()
            yield zoos
            written = {name: str(zoos[name]) for name in sorted(zoos)}
            data = {"format": _FORMAT, "zoos": written}
            write_whole(folder / _FILE, f"{json.dumps(data, indent=1)}\n".encode())
    except OSError as error:
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"cannot write {error.filename or folder}: {error.strerror or error}",
                hint="choose a writable folder with VAEZOO_CONFIG",
            )
        ) from None


def _refused(message: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("VZ510", message, hint=hint))


def _damaged(path: Path, reason: object) -> ZooError:
    hint = f"delete {path} and add the zoos again with 'vaezoo zoo add'"
    return ZooError(Diagnostic("VZ502", f"{path} cannot be used: {reason}", hint=hint))
