"""Read and write safetensors files: byte-reproducible, atomic, no pickle.

Format (https://github.com/huggingface/safetensors): eight bytes with the header's length, a JSON
header, the tensors' bytes. The reference writer orders metadata at random, so equal content gives
different files; this one sorts the header.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import math
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.system import strict_json
from vaezoo.system.files import in_units, is_lfs_pointer, write_whole
from vaezoo.system.regular_file import open_regular

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
#: Largest header in bytes, as in the reference reader. A larger one is damaged.
_LARGEST_HEADER = 100_000_000
#: Exceptions from parsing a malformed header.
_MALFORMED = (ValueError, struct.error, KeyError, TypeError, AttributeError, IndexError)


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write tensors and header texts atomically.

    Raises OSError if the folder cannot be written, ValueError for an unsupported dtype.
    """
    write_whole(path, *encoded(tensors, header))


def encoded(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> list[bytes]:
    """The content of a file in parts: everything before the tensors, then each tensor.

    Raises ValueError for an unsupported dtype.
    """
    payload, entries, offset = [], {}, 0
    # The widest dtypes first, as in the reference writer: each tensor then starts at a multiple
    # of its item size, so that readers can map it.
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        tensor = tensors[name].detach().cpu().contiguous()  # channels_last weights too
        data = _bytes(tensor)
        entries[name] = _entry(_type_name(name, tensor), tensor.shape, offset, len(data))
        payload.append(data)
        offset += len(data)
    return [_head(entries, header), *payload]


def encoded_blocks(
    name: str, blocks: Iterable[Tensor], shape: Sequence[int], header: Mapping[str, str]
) -> Iterator[bytes]:
    """``encoded`` of one float32 tensor of that shape, given in blocks of rows."""
    entries = {name: _entry(_TYPES["float32"], shape, 0, 4 * math.prod(shape))}
    parts = (_bytes(block.detach().cpu().contiguous()) for block in blocks)
    return itertools.chain([_head(entries, header)], parts)


def _entry(dtype: str, shape: Sequence[int], offset: int, size: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}


def _head(entries: Mapping[str, Any], header: Mapping[str, str]) -> bytes:
    """Everything before the tensors' bytes."""
    text = json.dumps(
        {"__metadata__": dict(sorted(header.items())), **dict(sorted(entries.items()))},
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()
    text += b" " * (-len(text) % 8)  # the tensors start at a multiple of eight
    return struct.pack("<Q", len(text)) + text


def _type_name(name: str, tensor: Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in _TYPES:
        raise ValueError(f"tensor {name!r} is {dtype}; supported are {', '.join(_TYPES)}")
    return _TYPES[dtype]


def _bytes(tensor: Tensor) -> bytes:
    import torch

    return bytes(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())


def read_header(path: Path, largest: int = _LARGEST_HEADER) -> dict[str, str]:
    """The header texts, without reading tensors or importing torch.

    Raises ZooError (VZ502) for an invalid file or a header of more than ``largest`` bytes,
    OSError for a file that cannot be read or is not a regular file.
    """
    with open_regular(path) as file:
        return _parse_header(path, _header_bytes(path, file, largest), _size(file))


def load(path: Path, largest: int = _LARGEST_HEADER) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors, on the CPU, and the header texts. Raises the errors of ``read_header``."""
    with open_regular(path) as file:
        text, size = _header_bytes(path, file, largest), _size(file)
        _parse_header(path, text, size)
        file.seek(0)
        data = file.read()  # not mapped: the file may be replaced while the tensors live
    return decoded(path, data)


def decoded(path: Path, data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and header texts in the content of ``path``. Raises ZooError (VZ502)."""
    from safetensors import SafetensorError
    from safetensors.torch import load as read_tensors

    header = _parse_header(path, _header_bytes(path, io.BytesIO(data), len(data)), len(data))
    try:
        return read_tensors(data), header
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise _damaged(path, error) from None


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _header_bytes(path: Path, file: BinaryIO, largest: int) -> bytes:
    """The JSON of the header. A header that is too long is not read."""
    start = file.read(8)
    if len(start) < 8:
        raise _damaged(path, "it is truncated")
    (length,) = struct.unpack("<Q", start)
    if length > largest:
        raise _damaged(path, f"its header has more than {in_units(largest)}")
    text = file.read(length)
    if len(text) < length:
        raise _damaged(path, "it is truncated")
    return text


def _parse_header(path: Path, text: bytes, size: int) -> dict[str, str]:
    """The header texts of a file of ``size`` bytes."""
    try:
        header = strict_json.parse(text)
        texts: dict[str, str] = header.pop("__metadata__", {})
        ends = [_end(tensor["data_offsets"]) for tensor in header.values()]
        if size != 8 + len(text) + max(ends, default=0):
            raise ValueError("its size does not match its header")
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("a value in its header is not text")
        return texts
    except (*_MALFORMED, RecursionError) as error:  # RecursionError: deeply nested brackets
        raise _damaged(path, error) from None


def _end(offsets: list[int]) -> int:
    start, end = offsets
    if type(start) is int and type(end) is int and 0 <= start <= end:
        return end
    raise ValueError("a tensor has invalid offsets")


def _damaged(path: Path, error: BaseException | str) -> ZooError:
    if is_lfs_pointer(path):
        return lfs_pointer(path)
    message = f"{path} is not a valid safetensors file: {error}"
    return ZooError(Diagnostic("VZ502", message, hint="download or train it again"))


def lfs_pointer(path: Path) -> ZooError:
    """The error for a git-lfs pointer."""
    message = f"{path} is a git-lfs pointer, not the file itself"
    return ZooError(Diagnostic("VZ502", message, hint=f"run git lfs pull in {path.parent}"))


def in_format(tensors: Mapping[str, Tensor], number_format: str) -> dict[str, Tensor]:
    """The tensors unchanged (``float32``), or float32 ones rounded to ``float16``.

    A tensor with a value beyond the range of float16 (65504) is unchanged.
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
    """SHA-256 of the names, dtypes, shapes and values, ordered by name."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        total.update(_bytes(tensor))
    return total.hexdigest()
