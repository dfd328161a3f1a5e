"""Tensors and text in one safetensors file: byte-reproducible, written atomically, no pickle.

The format is the one of https://github.com/huggingface/safetensors: eight bytes with the
header's length, a JSON header, the tensors' bytes. The reference writer orders metadata
at random, so that equal contents give unequal files; this one sorts the header.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.files import is_lfs_pointer, write_parts, write_whole

if TYPE_CHECKING:
    from torch import Tensor

_TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
#: A header larger than this is damage, not data; the reference reader has the same bound.
_LARGEST_HEADER = 100_000_000
#: what reading a header of the wrong form raises
_MALFORMED = (ValueError, struct.error, KeyError, TypeError, AttributeError, IndexError)


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write tensors and header texts; the file appears whole or not at all.

    Raises OSError where the folder cannot be written, ValueError for a type of tensor that
    the format does not have.
    """
    payload, entries, offset = [], {}, 0
    # The widest types first, as the reference writer has it: each tensor then begins at a
    # multiple of its item size, without which readers cannot map it.
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        tensor = tensors[name].detach().cpu().contiguous()  # channels_last weights too
        data = _bytes(tensor)
        entries[name] = _entry(_type_name(name, tensor), tensor.shape, offset, len(data))
        payload.append(data)
        offset += len(data)
    write_whole(path, _head(entries, header), *payload)


def save_blocks(
    path: Path,
    name: str,
    blocks: Iterable[Tensor],
    shape: Sequence[int],
    header: Mapping[str, str],
) -> None:
    """Write one float32 tensor of that shape, which comes in blocks of rows; as ``save`` does.

    Raises OSError where the folder cannot be written.
    """
    entries = {name: _entry(_TYPES["float32"], shape, 0, 4 * math.prod(shape))}
    parts = (_bytes(block.detach().cpu().contiguous()) for block in blocks)
    write_parts(path, itertools.chain([_head(entries, header)], parts))


def _entry(dtype: str, shape: Sequence[int], offset: int, size: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}


def _head(entries: Mapping[str, Any], header: Mapping[str, str]) -> bytes:
    """All that stands before the tensors' bytes."""
    text = json.dumps(
        {"__metadata__": dict(sorted(header.items())), **dict(sorted(entries.items()))},
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
    return struct.pack("<Q", len(text)) + text


def _type_name(name: str, tensor: Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in _TYPES:
        raise ValueError(f"tensor {name!r} is {dtype}; known types are {', '.join(_TYPES)}")
    return _TYPES[dtype]


def _bytes(tensor: Tensor) -> bytes:
    import torch

    return bytes(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())


def read_header(path: Path) -> dict[str, str]:
    """The header texts alone, without reading any tensor and without torch.

    Raises ZooError (VZ502) for a file that is not whole safetensors, OSError for one that
    cannot be read.
    """
    with path.open("rb") as file:
        return _parse_header(path, file, path.stat().st_size)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors, on the CPU, and the header texts.

    Raises ZooError (VZ502) for a file that is not whole safetensors, OSError for one that
    cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as read_tensors

    data = path.read_bytes()  # not mapped: the file may be replaced while the tensors live
    header = _parse_header(path, io.BytesIO(data), len(data))
    try:
        return read_tensors(data), header
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise _damaged(path, error) from None


def _parse_header(path: Path, file: BinaryIO, size: int) -> dict[str, str]:
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LARGEST_HEADER:
            raise ValueError("its header is impossibly long")
        if size < 8 + length:
            raise ValueError("it is cut short")
        header = json.loads(file.read(length))
        texts: dict[str, str] = header.pop("__metadata__", {})
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
        if size != 8 + length + max(ends, default=0):
            raise ValueError("it is cut short or has grown")
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("its header holds something other than texts")
        return texts
    except (*_MALFORMED, RecursionError) as error:  # the latter for brackets without end
        if is_lfs_pointer(path):
            raise lfs_pointer(path) from None
        raise _damaged(path, error) from None


def _damaged(path: Path, error: BaseException) -> ZooError:
    message = f"{path} is not a whole safetensors file: {error}"
    return ZooError(Diagnostic("VZ502", message, hint="fetch or train it again"))


def lfs_pointer(path: Path) -> ZooError:
    """The error for a file in whose place git-lfs has left a note of where it is."""
    message = f"{path} is a git-lfs pointer, not the file itself"
    return ZooError(Diagnostic("VZ502", message, hint=f"run git lfs pull in {path.parent}"))


def in_format(tensors: Mapping[str, Tensor], number_format: str) -> dict[str, Tensor]:
    """The tensors as ``float32`` (unchanged) or with every float32 one rounded to ``float16``.

    One with a number that float16 cannot hold (beyond 65504) stays as it is.
    """
    if number_format == "float32":
        return dict(tensors)
    return {name: _halved(tensor) for name, tensor in tensors.items()}


def _halved(tensor: Tensor) -> Tensor:
    import torch

    if tensor.dtype != torch.float32:
        return tensor
    half = tensor.half()
    return half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor


def digest(tensors: Mapping[str, Tensor]) -> str:
    """A SHA-256 over names, types, shapes and values, in the order of names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        total.update(_bytes(tensor))
    return total.hexdigest()
