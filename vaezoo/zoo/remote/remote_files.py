"""Read and write the files of a remote zoo, whatever it lies on.

Every kind of storage is a ``RemoteFiles``. Its methods raise ``Unavailable`` for everything that
goes wrong in other people's libraries, networks and servers, with a reason without secrets.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.diagnostics.redact import redacted
from vaezoo.zoo.remote.address import SCHEMES, Address

#: Bytes that are requested at once; progress is shown and resumed in such steps.
BLOCK = 4 * 2**20
_LONGEST_REASON = 300
#: The class for each scheme, and the packages that it needs.
_KINDS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "file": ("local_files", "LocalFiles", ()),
    "memory": ("fsspec_files", "FsspecFiles", ("fsspec",)),
    "http": ("http_files", "HttpFiles", ("requests",)),
    "https": ("http_files", "HttpFiles", ("requests",)),
    "s3": ("fsspec_files", "BucketFiles", ("fsspec", "s3fs")),
    "hf": ("hub_files", "HubFiles", ("fsspec", "huggingface_hub")),
}


Advance = Callable[[int], object]


def unshown(done: int) -> None:
    """Show no progress."""


class Unavailable(Exception):
    """A file that could not be read or written. ``advice`` says what the user can do.

    ``again`` says whether another attempt may succeed.
    """

    def __init__(self, reason: object, advice: str = "", *, again: bool = False) -> None:
        self.reason = shortened(redacted(" ".join(str(reason).split())))
        self.advice = advice
        self.again = again
        super().__init__(self.reason)


class Missing(Unavailable):
    """There is no such file."""


class ChangedMeanwhile(Unavailable):
    """A file is not what it was when it was read."""


class Refused(Unavailable):
    """An answer that must not be used, such as a redirect to another host."""


class RemoteFiles(ABC):
    """The files below the address of a zoo. Paths are relative, with slashes."""

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def blocks(self, path: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """The content from the byte ``start`` on, in blocks, at most to ``size`` and one more.

        A file that is longer than ``size`` gives a byte too many, so that the caller sees it.
        """

    @abstractmethod
    def write(
        self,
        files: Mapping[str, Path | bytes],
        advance: Callable[[int], object] = lambda done: None,
    ) -> None:
        """Write files that nobody reads yet. ``advance`` takes the bytes of those just written."""

    @abstractmethod
    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        """Replace one file atomically, if it still is ``before`` (None: it does not exist).

        Raises ChangedMeanwhile if it is not.
        """

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written; None if it can."""
        return None

    def read(self, path: str, limit: int) -> bytes:
        """A whole file. Raises Refused if it has more than ``limit`` bytes."""
        parts, length = [], 0
        for block in self.blocks(path, 0, limit):
            parts.append(block)
            length += len(block)
            if length > limit:
                raise Refused(f"{path} has more than {limit:,} bytes")
        return b"".join(parts)

    def require_unchanged(self, path: str, before: bytes | None, limit: int) -> None:
        """Raise ChangedMeanwhile unless the file is ``before``; for storage that cannot compare."""
        try:
            now: bytes | None = self.read(path, limit)
        except Missing:
            now = None
        if now != before:
            raise ChangedMeanwhile(f"{path} was changed by another push")


def open_files(address: Address) -> RemoteFiles:
    """The files of a zoo. Raises ZooError (VZ507) if a package is not installed."""
    module, name, needed = _KINDS[address.scheme]
    missing = [one for one in needed if importlib.util.find_spec(one) is None]
    if missing:
        raise ZooError(
            Diagnostic(
                "VZ507",
                f"{address} needs {' and '.join(missing)}, which "
                f"{'is' if len(missing) == 1 else 'are'} not installed",
                hint="pip install 'vaezoo[remote]'",
            )
        )
    kind: type[RemoteFiles] = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return kind(address)


def shortened(text: str) -> str:
    """At most some hundred characters of a text."""
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what a library of storage raises into ``Unavailable``.

    Such libraries raise errors of many others, so that every Exception is caught.
    """
    try:
        yield
    except Unavailable:
        raise
    except FileNotFoundError:
        raise Missing(f"there is no {path}") from None
    except PermissionError as error:
        raise Unavailable(f"access to {path} is denied: {error}", _LOG_IN) from None
    except Exception as error:
        kind = type(error).__name__
        reason = f"{kind}: {error}" if str(error) else kind
        is_denied = any(word in kind for word in _DENIED)
        raise Unavailable(reason, _LOG_IN if is_denied else _ONLINE, again=not is_denied) from None


_LOG_IN = "log in as docs/remote.md describes, or ask the owner for access"
_ONLINE = "check the address and the network"
#: Parts of the names of errors about access.
_DENIED = ("Credentials", "Token", "Unauthorized", "Forbidden", "Gated")


def unreachable(address: Address, error: Unavailable) -> ZooError:
    """The error (VZ507, or VZ508 for a refused answer) for a zoo that cannot be used."""
    if isinstance(error, Refused):
        return refused(address, error.reason)
    hint = error.advice or f"check the address, such as {SCHEMES[address.scheme]}, and the network"
    return ZooError(Diagnostic("VZ507", f"cannot read {address}: {error.reason}", hint=hint))


def refused(address: Address | str, reason: object) -> ZooError:
    """The error (VZ508) for content that must not be used."""
    text = shortened(redacted(str(reason)))
    hint = "nothing was kept of it; try again, and tell the owner of the zoo if it stays"
    return ZooError(Diagnostic("VZ508", f"{address} was refused: {text}", hint=hint))
