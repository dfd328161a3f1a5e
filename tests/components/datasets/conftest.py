"""The packed data, unpacked once a session; and small files in the authors' formats."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from vaezoo.components.datasets import MNIST, FashionMNIST
from vaezoo.registry import ImageData


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vaezoo-cache")


@pytest.fixture(scope="session")
def shipped(session_cache: Path) -> dict[str, ImageData]:
    """Both shipped datasets, from the package into an empty cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEZOO_CACHE", str(session_cache))
        return {"fashion_mnist": FashionMNIST().build(), "mnist": MNIST().build()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of one test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("VAEZOO_CACHE", str(folder))
    return folder


@pytest.fixture
def write_idx() -> Callable[..., Path]:
    """``write_idx(path, values)`` writes an IDX file, independently of the reader."""

    def write(path: Path, values: Tensor, type_byte: int = 0x08) -> Path:
        header = struct.pack(f">BBBB{values.ndim}I", 0, 0, type_byte, values.ndim, *values.shape)
        kind = {0x08: "u1", 0x0C: ">i4"}[type_byte]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(header + values.numpy().astype(kind).tobytes())
        return path

    return write
