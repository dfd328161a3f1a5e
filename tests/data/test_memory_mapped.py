"""Tensors in memory-mapped files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from vaezoo.data.memory_mapped import allocate, is_on_disk, mapped, take
from vaezoo.diagnostics import RunError

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's list of mappings")


def test_a_file_is_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    images = mapped(path, (4, 2, 3, 1), offset=70)
    assert images.shape == (4, 2, 3, 1)
    assert images.flatten().tolist() == list(range(70, 94))
    with pytest.raises(ValueError, match="buffer"):
        mapped(path, (100,), offset=1)


@linux
def test_a_file_larger_than_memory_can_be_mapped(tmp_path: Path) -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    path, count = tmp_path / "file", 2 * memory
    with path.open("wb") as file:
        file.truncate(count)  # a hole, which uses no disk space
        file.seek(count - 1)
        file.write(b"\7")
    images = mapped(path, (count,))
    assert images[-3:].tolist() == [0, 0, 7]
    images[0] = 5  # a private page
    assert images[0] == 5
    with path.open("rb") as file:
        assert file.read(1) == b"\0"


@linux
def test_mapped_tensors_are_recognized(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(5000))
    assert is_on_disk(mapped(path, (100,), offset=17))
    assert is_on_disk(torch.from_file(str(path), size=100, dtype=torch.uint8))
    for size in (10, 10**7):
        assert not is_on_disk(torch.zeros(size, dtype=torch.uint8))


def test_allocation_uses_memory_within_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VAEZOO_HOST_MEMORY", "60")
    assert allocate((60, 1)).shape == (60, 1)
    assert not (tmp_path / "cache").exists()
    images = allocate((61, 1))
    images.copy_(torch.arange(61, dtype=torch.uint8)[:, None])
    assert images.flatten().tolist() == list(range(61))
    # no file is left, however the process ends
    assert list((tmp_path / "cache" / "scratch").iterdir()) == []


@linux
def test_allocation_beyond_the_budget_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path))
    monkeypatch.setenv("VAEZOO_HOST_MEMORY", "0")
    images, rows = torch.arange(200, dtype=torch.uint8).view(-1, 1, 1, 1), torch.arange(0, 200, 7)
    copy = take(images, rows)
    assert is_on_disk(copy)
    assert torch.equal(copy, images[rows])


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_a_full_disk_is_reported_before_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path))
    monkeypatch.setenv("VAEZOO_HOST_MEMORY", "1MB")
    with pytest.raises(RunError, match=r"VZ503.*exceed VAEZOO_HOST_MEMORY \(1\.0 MB\)"):
        allocate((2**50,))
