"""Tensors whose bytes are a file's: read when they are looked at, and dropped when memory is
short.
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from vaezoo.data.memory_budget import budget_in_host
from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.system.files import cache_folder, in_units

#: Without it, Linux keeps memory for pages of the file that might be written to, and refuses to
#: map a file that is larger than its memory. Python has a name for it from 3.12 on.
_NO_RESERVE = 0x4000 if sys.platform == "linux" else 0


def mapped(path: Path, shape: Sequence[int], offset: int = 0) -> Tensor:
    """uint8 values of a file from ``offset`` on, of any size: nothing is read yet.

    Written to, the tensor changes and the file does not. Raises OSError where the file cannot be
    read, ValueError where it is too short.
    """
    with path.open("rb") as file:
        return _tensor(_private(file), shape, offset)


def _private(file: BinaryIO) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return mmap.mmap(
        file.fileno(),
        0,
        flags=mmap.MAP_PRIVATE | _NO_RESERVE,
        prot=mmap.PROT_READ | mmap.PROT_WRITE,
    )


def _tensor(content: mmap.mmap, shape: Sequence[int], offset: int = 0) -> Tensor:
    count = math.prod(shape)
    return torch.frombuffer(content, dtype=torch.uint8, count=count, offset=offset).view(*shape)


def room_for(shape: Sequence[int]) -> Tensor:
    """An uint8 tensor to be filled: in memory, or in a file of vaezoo's cache folder where that
    is short. The file has no name and is gone with the tensor.

    Raises RunError (VZ503) where there is no room on the disk either.
    """
    needed, budget = math.prod(shape), budget_in_host()
    if budget is None or needed <= budget.bytes:
        return torch.empty(*shape, dtype=torch.uint8)
    try:
        return _scratch(cache_folder() / "scratch", shape)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            Diagnostic(
                "VZ503",
                f"{in_units(needed)} of images do not fit {budget.said}, "
                f"and not the disk: {reason}",
                hint="make room, or set VAEZOO_CACHE to a folder on a larger disk",
            )
        ) from error


def _scratch(folder: Path, shape: Sequence[int]) -> Tensor:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        count = math.prod(shape)
        file.truncate(count)
        if hasattr(os, "posix_fallocate"):  # else a full disk ends the process at the first write
            os.posix_fallocate(file.fileno(), 0, count)
        return _tensor(mmap.mmap(file.fileno(), count), shape)


def taken(images: Tensor, rows: Tensor) -> Tensor:
    """A copy of some images (N, C, H, W), in memory or on disk as ``room_for`` has it."""
    if images.device.type != "cpu":
        return images.index_select(0, rows.to(images.device))
    out = room_for((len(rows), *images.shape[1:]))
    return torch.index_select(images, 0, rows, out=out)


def filled(out: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """``out`` (N, …) with the parts in it, one after another."""
    done = 0
    for part in parts:
        out[done : done + len(part)].copy_(part)
        done += len(part)
    return out


def is_on_disk(images: Tensor) -> bool:
    """Whether images lie in a mapped file, wherever that mapping comes from.

    Only Linux tells; elsewhere those that ask, because memory is short, are told so.
    """
    if sys.platform != "linux":
        return True
    address = images.data_ptr()
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            places, *_, file = line.split(maxsplit=5)
            first, end = (int(place, 16) for place in places.split("-"))
            if first <= address < end:
                return file.startswith("/")
    return False
