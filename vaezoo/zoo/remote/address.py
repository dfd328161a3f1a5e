"""Addresses of remote zoos and of entries in them.

``hf://user/repo`` is a zoo, ``hf://user/repo/NAME`` an entry, ``hf://user/repo/NAME@REVISION`` one
revision of it. Parsing imports no library and opens no connection.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from vaezoo.diagnostics import Diagnostic, UsageError, nearest
from vaezoo.diagnostics.redact import redacted
from vaezoo.spec.spec import NAME_PATTERN

#: Each scheme, and an example of a zoo's address.
SCHEMES = {
    "hf": "hf://user/repo",
    "s3": "s3://bucket/zoo",
    "https": "https://host/zoo",
    "http": "http://host/zoo",
    "file": "file:///folder/zoo",
    "memory": "memory://zoo",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_REVISION = re.compile(r"[0-9a-f]{8,64}")
#: Of a path: no wildcard, query, fragment, escape, blank or control character.
_PART = re.compile(r"[A-Za-z0-9_.~+=,@-]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")
_LONGEST = 1000


@dataclass(frozen=True)
class Address:
    """A remote zoo. ``place`` is what follows ``://``, without user and password.

    ``secret`` is ``user:password``; it appears in no text and is written nowhere.
    """

    scheme: str
    place: str
    secret: str | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"

    def entry(self, name: str, revision: str | None = None) -> str:
        """The address of an entry."""
        return f"{self}/{name}" + (f"@{revision}" if revision else "")


@dataclass(frozen=True)
class EntryAddress:
    """An entry of a remote zoo; ``revision`` is a full or shortened one, or None for the newest.

    ``given`` is how the user calls it: an address, or a short name such as ``lab/NAME``.
    """

    zoo: Address
    name: str
    revision: str | None
    given: str

    def __str__(self) -> str:
        return self.zoo.entry(self.name, self.revision)


def is_address(text: str) -> bool:
    """Whether a text has the form of an address, of a known scheme or not."""
    return _SCHEME.match(text) is not None


def zoo_address(text: str) -> Address:
    """The address of a zoo. Raises UsageError (VZ510)."""
    found = _SCHEME.match(text)
    if found is None:
        raise _unusable(text, "it has no scheme", f"write {_listed_schemes()}")
    scheme, place = found[1].lower(), text[found.end() :]
    if scheme not in SCHEMES:
        close = nearest(scheme, SCHEMES)
        hint = f"did you mean {close}://? " if close else ""
        raise _unusable(text, f"no scheme {scheme!r}", f"{hint}write {_listed_schemes()}")
    if len(text) > _LONGEST:
        raise _unusable(f"{text[:60]}…", "it is too long", f"use at most {_LONGEST} characters")
    if scheme == "file":
        return Address(scheme, _folder(text, place))
    secret, place = _without_secret(place)
    place = place.rstrip("/")
    if secret and scheme not in ("http", "https"):
        raise _unusable(
            text, f"{scheme}:// takes no user and password", "docs/remote.md says how to log in"
        )
    _check_place(text, scheme, place)
    return Address(scheme, place, secret)


def entry_address(text: str) -> EntryAddress:
    """The address of an entry; its last part is its name. Raises UsageError (VZ510)."""
    zoo, _, last = text.rstrip("/").rpartition("/")
    name, revision = split_revision(last, text)
    if not is_address(f"{zoo}/") or zoo.endswith(":/"):
        raise _unusable(text, "it names no entry", "write the address of the zoo, /, and a name")
    address = zoo_address(zoo)
    return EntryAddress(address, checked_name(name, text), revision, address.entry(name))


def split_revision(text: str, whole: str) -> tuple[str, str | None]:
    """``NAME@REVISION`` as a pair. Raises UsageError (VZ510) for anything but hex digits."""
    name, at, revision = text.partition("@")
    if at and not _REVISION.fullmatch(revision):
        raise _unusable(
            whole,
            f"{revision!r} is not a revision",
            "a revision has 8 to 64 digits 0-9 and a-f; 'vaezoo zoo list --zoo ADDRESS' shows them",
        )
    return name, revision or None


def checked_name(name: str, whole: str) -> str:
    """The name of an entry. Raises UsageError (VZ510)."""
    if re.fullmatch(NAME_PATTERN, name) and not name.endswith("\n"):
        return name
    raise _unusable(
        whole,
        f"{name!r} is not the name of an entry",
        "names have lowercase letters, digits, '_' and '-'",
    )


def _without_secret(place: str) -> tuple[str | None, str]:
    host, slash, path = place.partition("/")
    secret, at, host = host.rpartition("@")
    return (secret if at else None), f"{host}{slash}{path}"


def _check_place(text: str, scheme: str, place: str) -> None:
    first, _, path = place.partition("/")
    parts = path.split("/") if path else []
    if scheme == "hf" and not parts:
        raise _unusable(text, "it names no repository", f"write {SCHEMES['hf']}")
    if not _HOST.fullmatch(first):
        raise _unusable(
            text, "its first part is not a host, bucket or user", f"write {SCHEMES[scheme]}"
        )
    for part in parts:
        if part in ("", ".", "..") or not _PART.fullmatch(part):
            raise _unusable(
                text,
                f"it cannot have the part {part!r}",
                "use letters, digits and _.~+=,- between slashes, and no query",
            )


def _folder(text: str, place: str) -> str:
    """The absolute path of ``file://``; ``./`` and ``~/`` may begin it."""
    if "\0" in place:
        raise _unusable(text, "it has a zero byte", f"write {SCHEMES['file']}")
    path = os.path.expanduser(place)
    if not os.path.isabs(path) and not place.startswith(("./", "../")):
        raise _unusable(
            text, "its path is relative", f"write three slashes, {SCHEMES['file']}, or file://./zoo"
        )
    return os.path.abspath(path)


def _listed_schemes() -> str:
    return ", ".join(SCHEMES.values())


def _unusable(text: str, reason: str, hint: str) -> UsageError:
    message = f"the address {redacted(text)} cannot be used: {redacted(reason)}"
    return UsageError(Diagnostic("VZ510", message, hint=hint))
