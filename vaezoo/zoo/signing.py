"""Sign entries and check signatures, in minisign format.

A signature proves who published an entry, not that its figures are right.

https://jedisct1.github.io/minisign describes keys and format. The library is py-minisign, in the
extra ``sign``. The signature is of the manifest, and so covers every file of the entry.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError
from vaezoo.system.files import write_whole
from vaezoo.system.regular_file import read_regular
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry import MANIFEST, readable
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.write_lock import open_for_writing

SIGNATURE = f"{MANIFEST}.minisig"
#: Size limits in bytes of a manifest, and of a signature or key.
_MAX_BYTES, _MAX_KEY_BYTES = 10**6, 10_000


def sign(
    name: str | Path,
    key: Path,
    *,
    password: Callable[[], str] = lambda: "",
    zoo: str | Path | None = None,
) -> Path:
    """Sign an entry with a minisign secret key, and return the path of the signature.

    ``password`` is called if the key is encrypted. An existing signature is replaced.
    Raises UsageError (VZ501) for an unknown entry and (VZ504) for an invalid key, ZooError
    (VZ502) for an entry with changed files, and (VZ503) if the signature cannot be written.
    """
    minisign = _library()
    entry = find(name, zoo=zoo)
    if entry.stands_alone:
        raise ZooError(
            Diagnostic(
                "VZ502",
                f"{entry.path} is a weights file alone, without a manifest to sign",
                hint="give an entry's folder or name",
            )
        )
    try:
        secret = minisign.SecretKey.from_bytes(_key(key))
        with secret:
            if secret.is_encrypted():
                secret.decrypt(password())
            with open_for_writing(entry.path.parent):
                manifest = _verified_manifest(entry)
                comment = f"vaezoo entry {entry.name}"
                signature = secret.sign(manifest, trusted_comment=comment)
                write_whole(entry.path / SIGNATURE, bytes(signature))
    except minisign.Error as error:
        raise _unusable(key, error) from None
    return entry.path / SIGNATURE


def is_signed(entry: Entry) -> bool:
    """Whether the entry has a signature."""
    return not entry.stands_alone and SIGNATURE in entry.files()


def check_signature(entry: Entry, key: Path) -> None:
    """Raise unless the owner of a public key signed the entry's manifest.

    Raises UsageError (VZ504) for an invalid key, ZooError (VZ502) for a signature that is missing
    or by another key, and (VZ503) if py-minisign is not installed.
    """
    minisign = _library()
    try:
        public = minisign.PublicKey.from_bytes(_key(key))
    except minisign.Error as error:
        raise _unusable(key, error) from None
    manifest = _read(entry, MANIFEST, _MAX_BYTES)
    content = _read(entry, SIGNATURE, _MAX_KEY_BYTES)
    try:
        signature = minisign.Signature.from_bytes(content)
        public.verify(manifest, signature)
    except minisign.Error as error:
        raise _not_by(key, str(error)) from None
    if signature.trusted_comment != f"vaezoo entry {entry.name}":
        raise _not_by(key, "it belongs to another entry")


def _read(entry: Entry, name: str, limit: int) -> bytes:
    return readable(entry.path / name, lambda path: read_regular(path, limit, within=entry.path))


def _verified_manifest(entry: Entry) -> bytes:
    """The manifest of an entry with unchanged files. Raises ZooError (VZ502) otherwise."""
    changed = differences(entry, read_manifest(entry))
    if not changed:
        return _read(entry, MANIFEST, _MAX_BYTES)
    name, problem = next(iter(changed.items()))
    raise ZooError(
        Diagnostic(
            "VZ502",
            f"{entry.path / name} was changed after publishing: {problem}",
            hint="download or train the entry again; changed files must not be signed",
        )
    )


def _key(path: Path) -> bytes:
    try:
        return read_regular(path.resolve(), _MAX_KEY_BYTES)
    except OSError as error:
        raise _unusable(path, error.strerror) from None


def _unusable(path: Path, error: object) -> UsageError:
    return UsageError(
        Diagnostic(
            "VZ504",
            f"cannot use the key {path}: {error}",
            hint="use a key of 'minisign -G': the secret one to sign, the public one to verify",
        )
    )


def _not_by(key: Path, reason: str) -> ZooError:
    message = f"the entry was not signed with the key of {key}: {reason}"
    hint = "ask its publisher for the key, or do not trust the entry"
    return ZooError(Diagnostic("VZ502", message, hint=hint))


def _library() -> ModuleType:
    try:
        import minisign
    except ImportError:
        raise ZooError(
            Diagnostic(
                "VZ503",
                "signatures need py-minisign, which is not installed",
                hint="pip install 'vaezoo[sign]'",
            )
        ) from None
    module: ModuleType = minisign
    return module
