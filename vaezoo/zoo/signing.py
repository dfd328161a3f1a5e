"""Signatures of entries in minisign's format: who vouches for an entry, not that it is true.

https://jedisct1.github.io/minisign describes keys and format; the library is py-minisign, of the
extra ``sign``. What is signed is the manifest, and by it every file of the entry.
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
from vaezoo.zoo.zoo_lock import open_for_writing

SIGNATURE = f"{MANIFEST}.minisig"
#: bytes of a manifest, and of a signature or key
_LARGEST, _LARGEST_KEY = 10**6, 10_000


def sign(
    name: str | Path,
    key: Path,
    *,
    password: Callable[[], str] = lambda: "",
    zoo: str | Path | None = None,
) -> Path:
    """Sign an entry with a secret key of minisign's, and return the signature's path.

    ``password`` is called where the key is encrypted. An earlier signature is replaced.
    Raises UsageError (VZ501) for an unknown entry and (VZ504) for a key that cannot be used,
    ZooError (VZ502) for an entry whose files are not as they were published, and (VZ503) where
    the signature cannot be made or written.
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
                manifest = _whole(entry)
                comment = f"vaezoo entry {entry.name}"
                signature = secret.sign(manifest, trusted_comment=comment)
                write_whole(entry.path / SIGNATURE, bytes(signature))
    except minisign.Error as error:
        raise _unusable(key, error) from None
    return entry.path / SIGNATURE


def is_signed(entry: Entry) -> bool:
    """Whether a signature lies beside the manifest."""
    return not entry.stands_alone and SIGNATURE in entry.files()


def check_signature(entry: Entry, key: Path) -> None:
    """Raise unless an entry's manifest was signed by the owner of a public key.

    Raises UsageError (VZ504) for a key that cannot be used, ZooError (VZ502) for a signature that
    is missing or not by this key, and (VZ503) where py-minisign is not installed.
    """
    minisign = _library()
    try:
        public = minisign.PublicKey.from_bytes(_key(key))
    except minisign.Error as error:
        raise _unusable(key, error) from None
    manifest = _read(entry, MANIFEST, _LARGEST)
    content = _read(entry, SIGNATURE, _LARGEST_KEY)
    try:
        signature = minisign.Signature.from_bytes(content)
        public.verify(manifest, signature)
    except minisign.Error as error:
        raise _not_by(key, str(error)) from None
    if signature.trusted_comment != f"vaezoo entry {entry.name}":
        raise _not_by(key, "it is of another entry")


def _read(entry: Entry, name: str, limit: int) -> bytes:
    return readable(entry.path / name, lambda path: read_regular(path, limit, within=entry.path))


def _whole(entry: Entry) -> bytes:
    """The manifest of an entry whose files are as it lists them."""
    changed = differences(entry, read_manifest(entry))
    if not changed:
        return _read(entry, MANIFEST, _LARGEST)
    name, problem = next(iter(changed.items()))
    raise ZooError(
        Diagnostic(
            "VZ502",
            f"{entry.path / name} is not as it was published: {problem}",
            hint="fetch it again, or train it again; what was changed is not to be signed",
        )
    )


def _key(path: Path) -> bytes:
    try:
        return read_regular(path.resolve(), _LARGEST_KEY)
    except OSError as error:
        raise _unusable(path, error.strerror) from None


def _unusable(path: Path, error: object) -> UsageError:
    return UsageError(
        Diagnostic(
            "VZ504",
            f"the key {path} cannot be used: {error}",
            hint="give a key that 'minisign -G' wrote: the secret one to sign, the public one to "
            "verify",
        )
    )


def _not_by(key: Path, reason: str) -> ZooError:
    message = f"the signature is not one by the owner of {key}: {reason}"
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
