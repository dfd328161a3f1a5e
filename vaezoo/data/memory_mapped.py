"""Tensors in memory-mapped files."""

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

#: MAP_NORESERVE, which Python names from 3.12 on. Without it, Linux reserves memory for pages that
#: might be written, and refuses to map a file larger than memory.
_MAP_NORESERVE = 0x4000 if sys.platform == "linux" else 0


def mapped(path: Path, shape: Sequence[int], offset: int = 0) -> Tensor:
    """A uint8 tensor of a file's bytes from ``offset`` on, read on access.

    Writing to the tensor does not change the file. Raises OSError where the file cannot be read,
    ValueError where it is too short.
    """
    with path.open("rb") as file:
        return _tensor(_private(file), shape, offset)


def _private(file: BinaryIO) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return mmap.mmap(
        file.fileno(),
        0,
        flags=mmap.MAP_PRIVATE | _MAP_NORESERVE,
        prot=mmap.PROT_READ | mmap.PROT_WRITE,
    )


def _tensor(content: mmap.mmap, shape: Sequence[int], offset: int = 0) -> Tensor:
    count = math.prod(shape)
    return torch.frombuffer(content, dtype=torch.uint8, count=count, offset=offset).view(*shape)


def allocate(shape: Sequence[int]) -> Tensor:
    """An empty uint8 tensor, in a file of vaezoo's cache folder where memory is too small.

    The file has no name and is deleted with the tensor. Raises RunError (VZ503) where the disk
    is too small, too.
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
                f"{in_units(needed)} of images exceed {budget.source}, "
                f"and cannot be written to disk: {reason}",
                hint="free disk space, or set VAEZOO_CACHE to a folder on a larger disk",
            )
        ) from error


def _scratch(folder: Path, shape: Sequence[int]) -> Tensor:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        count = math.prod(shape)
        file.truncate(count)
        if hasattr(os, "posix_fallocate"):  # without it, writing to a full disk kills the process
            os.posix_fallocate(file.fileno(), 0, count)
        return _tensor(mmap.mmap(file.fileno(), count), shape)


def take(images: Tensor, rows: Tensor) -> Tensor:
    """A copy of some images (N, C, H, W), in memory or on disk like ``allocate``."""
    if images.device.type != "cpu":
        return images.index_select(0, rows.to(images.device))
    out = allocate((len(rows), *images.shape[1:]))
    return torch.index_select(images, 0, rows, out=out)


def fill(out: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """Copy the parts into ``out`` (N, …), one after another."""
    done = 0
    for part in parts:
        out[done : done + len(part)].copy_(part)
        done += len(part)
    return out


def is_on_disk(images: Tensor) -> bool:
    """Whether images are in a mapped file.

    Only Linux lists mappings; on other systems always True.
    """
    if sys.platform != "linux":
        return True
    address = images.data_ptr()
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            addresses, *_, file = line.split(maxsplit=5)
            first, end = (int(address, 16) for address in addresses.split("-"))
            if first <= address < end:
                return file.startswith("/")
    return False
