"""Safetensors files that contain a SHA-256 of all their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vaezoo.system import safetensors_io
from vaezoo.system.files import write_whole
from vaezoo.system.regular_file import open_regular

#: Key of the digest in the header. The digest is computed with zeros in its place.
SEAL = "seal"
_BLANK = "0" * 64


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a sealed file atomically. Raises OSError."""
    head, *payload = safetensors_io.encoded(tensors, {**header, SEAL: _BLANK})
    total = hashlib.sha256()
    for part in (head, *payload):
        total.update(part)
    head = head.replace(_seal_entry(_BLANK), _seal_entry(total.hexdigest()), 1)
    write_whole(path, head, *payload)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str], bool]:
    """The tensors, the header, and whether the seal matches.

    Raises ZooError (VZ502) for a file that is not complete safetensors, OSError for one that
    cannot be read or is not a regular file.
    """
    with open_regular(path) as file:
        data = file.read()
    tensors, header = safetensors_io.decoded(path, data)
    return tensors, header, _is_intact(data, header.get(SEAL, ""))


def _seal_entry(seal: str) -> bytes:
    # quotes within values are escaped, so this occurs only once
    return f'"{SEAL}":"{seal}"'.encode()


def _is_intact(data: bytes, seal: str) -> bool:
    if len(seal) != len(_BLANK):
        return False
    start = data.find(_seal_entry(seal)) + len(_seal_entry("")) - 1
    whole = memoryview(data)
    total = hashlib.sha256(whole[:start])
    total.update(_BLANK.encode())
    total.update(whole[start + len(seal) :])
    return total.hexdigest() == seal
