"""MNIST and Fashion-MNIST, as they come with the package."""

from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaezoo.components.datasets import MNIST, FashionMNIST, packed
from vaezoo.components.datasets.image_data import content_digest
from vaezoo.diagnostics import DataError
from vaezoo.registry import ImageData, Split

#: of the decompressed files, as published: train images, labels, test images, labels
PUBLISHED_MD5 = {
    "fashion_mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
}


def published_files(data: ImageData) -> dict[str, bytes]:
    """The four IDX files that the data must have come from."""
    files = {}
    for prefix, split in (("train", data.train), ("t10k", data.test)):
        count, labels = len(split), split.labels
        assert labels is not None
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        files[f"{prefix}-images-idx3-ubyte"] = header + split.images.numpy().tobytes()
        header = struct.pack(">II", 0x801, count)
        files[f"{prefix}-labels-idx1-ubyte"] = header + labels.to(torch.uint8).numpy().tobytes()
    return files


@pytest.mark.parametrize("name", PUBLISHED_MD5)
def test_the_content_has_the_authors_published_digest(
    shipped: dict[str, ImageData], name: str
) -> None:
    files = published_files(shipped[name])
    digests = tuple(hashlib.md5(f, usedforsecurity=False).hexdigest() for f in files.values())
    assert digests == PUBLISHED_MD5[name]


@pytest.mark.parametrize("dataset", [FashionMNIST(), MNIST()], ids=lambda d: d.use)
def test_shapes_types_and_digest(
    shipped: dict[str, ImageData], dataset: FashionMNIST | MNIST
) -> None:
    data = shipped[dataset.use]
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    for split in (data.train, data.test):
        assert tuple(split.images.shape[1:]) == tuple(dataset.image_shape) == (1, 28, 28)
        assert split.images.is_contiguous()
        assert split.images.dtype == torch.uint8
        assert split.labels is not None
        assert split.labels.dtype == torch.int64
        assert split.labels.unique().tolist() == list(range(len(data.class_names)))
    assert data.digest == dataset.shipped.digest == content_digest(data.train, data.test)
    assert not data.test_is_trained_on


def test_class_names(shipped: dict[str, ImageData]) -> None:
    assert shipped["mnist"].class_names == tuple("0123456789")
    assert shipped["fashion_mnist"].class_names == (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )


def test_all_trains_on_the_test_images_too(
    shipped: dict[str, ImageData], session_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(session_cache))
    data = MNIST(training_images="all").build()
    assert data.test_is_trained_on
    assert len(data.train) == 70_000
    assert torch.equal(data.train.images[60_000:], data.test.images)
    assert data.digest == shipped["mnist"].digest


def test_a_second_load_reads_the_cache(
    shipped: dict[str, ImageData], session_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_CACHE", str(session_cache))
    monkeypatch.setattr(packed, "unpack", lambda _: pytest.fail("unpacked again"))
    again = MNIST().build()
    assert torch.equal(again.train.images, shipped["mnist"].train.images)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> packed.Packed:
    """A packed dataset that takes no time; its package file stands in ``unpack``."""
    images = torch.arange(4 * 784).reshape(4, 1, 28, 28).to(torch.uint8)
    splits = Split(images[:3], torch.arange(3)), Split(images[3:], torch.arange(1))
    monkeypatch.setattr(packed, "unpack", lambda _: splits)
    return packed.Packed("tiny", False, content_digest(*splits))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-100],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"\xff" * len(content),
    ],
    ids=["empty", "truncated", "one bit", "garbage"],
)
def test_a_damaged_cache_file_is_rebuilt(
    tiny: packed.Packed, cache: Path, damage: Callable[[bytes], bytes]
) -> None:
    packed.load(tiny)
    path = packed.cache_path(tiny)
    assert cache in path.parents
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert content_digest(*packed.load(tiny)) == tiny.digest
    assert path.read_bytes() == whole


def test_an_unwritable_cache_is_ignored(tiny: packed.Packed, cache: Path) -> None:
    cache.write_text("a file where the folder should be")  # stops root too, unlike permissions
    assert content_digest(*packed.load(tiny)) == tiny.digest


def test_a_full_disk_leaves_nothing_behind(
    tiny: packed.Packed, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert content_digest(*packed.load(tiny)) == tiny.digest
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_damaged_package_is_reported() -> None:
    missing = packed.Packed("no_such_file", False, "0" * 64)
    with pytest.raises(DataError, match=r"VZ601.*no_such_file(?s:.*)--force-reinstall"):
        packed.unpack(missing)
    altered = packed.Packed("mnist", True, packed.MNIST.digest)
    with pytest.raises(DataError, match="its checksum is wrong"):
        packed.unpack(altered)


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_torchvision_root_gives_the_same_data(
    shipped: dict[str, ImageData], tmp_path: Path, compressed: bool
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in published_files(shipped["mnist"]).items():
        if compressed:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
        else:
            (raw / name).write_bytes(content)
    dataset = MNIST(root=str(tmp_path))
    assert dataset.problem() is None
    assert dataset.build().digest == shipped["mnist"].digest
    assert MNIST(root=str(raw)).problem() is None


def test_a_root_without_the_files(tmp_path: Path) -> None:
    assert "no such folder" in str(FashionMNIST(root=str(tmp_path / "none")).problem())
    dataset = FashionMNIST(root=str(tmp_path))
    assert "FashionMNIST/raw" in str(dataset.problem())
    with pytest.raises(DataError, match=r"VZ601(?s:.*)remove `root`"):
        dataset.build()


def test_declaring_datasets_imports_nothing_heavy() -> None:
    code = (
        "import sys, vaezoo.components.datasets as d; d.FashionMNIST().problem(); "
        "d.KMNIST().problem(); d.SVHN().problem(); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'torchvision', 'PIL')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
