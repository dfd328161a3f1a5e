"""Tensors and text in one safetensors file: byte-reproducible, written atomically, no pickle.

The format is the one of https://github.com/huggingface/safetensors: eight bytes with the
header's length, a JSON header, the tensors' bytes. The reference writer orders metadata
at random, so that equal contents give unequal files; this one sorts the header.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, ZooError

if TYPE_CHECKING:
    from torch import Tensor

_TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "uint8": "U8",
    "bool": "BOOL",
}
#: A header larger than this is damage, not data; the reference reader has the same bound.
_LARGEST_HEADER = 100_000_000


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write tensors and header texts; the file appears whole or not at all.

    Raises OSError where the folder cannot be written.
    """
    payload, entries, offset = [], {}, 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()  # channels_last weights too
        data = _bytes(tensor)
        entries[name] = {
            "dtype": _TYPES[str(tensor.dtype).removeprefix("torch.")],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        payload.append(data)
        offset += len(data)
    text = json.dumps(
        {"__metadata__": dict(sorted(header.items())), **entries},
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
    _write_whole(path, [struct.pack("<Q", len(text)), text, *payload])


def _bytes(tensor: Tensor) -> bytes:
    import torch

    return bytes(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())


def _write_whole(path: Path, parts: list[bytes]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_header(path: Path) -> dict[str, str]:
    """The header texts alone, without reading any tensor and without torch.

    Raises ZooError (VZ502) for a file that is not whole safetensors.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                raise ValueError("its header is impossibly long")
            header = json.loads(file.read(length))
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
            if path.stat().st_size != 8 + length + max(ends, default=0):
                raise ValueError("it is cut short or has grown")
            metadata: dict[str, str] = header.get("__metadata__", {})
            return metadata
    except (ValueError, struct.error, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ZooError(
            Diagnostic(
                "VZ502",
                f"{path} is not a whole safetensors file: {error}",
                hint="fetch or train it again",
            )
        ) from None


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors, on the CPU, and the header texts.

    Raises ZooError (VZ502) for a file that is not whole safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path)
    try:
        return load_file(path), header
    except SafetensorError as error:
        raise ZooError(Diagnostic("VZ502", f"{path} cannot be read: {error}")) from None


def digest(tensors: Mapping[str, Tensor]) -> str:
    """A SHA-256 over names, types, shapes and values, in the order of names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        total.update(_bytes(tensor))
    return total.hexdigest()
