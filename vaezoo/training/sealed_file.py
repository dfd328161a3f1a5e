"""Safetensors files that hold a SHA-256 over all their bytes, so that no change goes unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vaezoo.system import safetensors_io
from vaezoo.system.files import write_whole
from vaezoo.system.regular_file import open_regular

#: The text of the header that holds the digest; in what is digested it is all zeros.
SEAL = "seal"
_BLANK = "0" * 64


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a sealed file, whole or not at all. Raises OSError."""
    head, *payload = safetensors_io.encoded(tensors, {**header, SEAL: _BLANK})
    total = hashlib.sha256()
    for part in (head, *payload):
        total.update(part)
    head = head.replace(_written(_BLANK), _written(total.hexdigest()), 1)
    write_whole(path, head, *payload)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str], bool]:
    """The tensors, the header texts, and whether the seal is there and unbroken.

    Raises ZooError (VZ502) for a file that is not whole safetensors, OSError for one that cannot
    be read or is not a regular file.
    """
    with open_regular(path) as file:
        data = file.read()
    tensors, header = safetensors_io.decoded(path, data)
    return tensors, header, _is_unbroken(data, header.get(SEAL, ""))


def _written(seal: str) -> bytes:
    # quotes within other texts are escaped, so that this stands at one place only
    return f'"{SEAL}":"{seal}"'.encode()


def _is_unbroken(data: bytes, seal: str) -> bool:
    if len(seal) != len(_BLANK):
        return False
    start = data.find(_written(seal)) + len(_written("")) - 1
    whole = memoryview(data)
    total = hashlib.sha256(whole[:start])
    total.update(_BLANK.encode())
    total.update(whole[start + len(seal) :])
    return total.hexdigest() == seal
