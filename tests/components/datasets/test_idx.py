"""The IDX reader, on whole and damaged files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaezoo.components.datasets import idx
from vaezoo.diagnostics import DataError

VALUES = torch.arange(2 * 28 * 28).reshape(2, 28, 28) % 251


def test_bytes_and_integers(tmp_path: Path, write_idx: Callable[..., Path]) -> None:
    assert torch.equal(idx.read(write_idx(tmp_path / "a", VALUES)).long(), VALUES)
    labels = torch.tensor([[7, -1], [70_000, 3]])
    assert torch.equal(idx.read(write_idx(tmp_path / "b", labels, 0x0C)).long(), labels)


def test_a_split_takes_the_first_column_of_labels(
    tmp_path: Path, write_idx: Callable[..., Path]
) -> None:
    labels = write_idx(tmp_path / "labels", torch.tensor([[7, 1], [3, 2]]), 0x0C)
    split = idx.read_split(write_idx(tmp_path / "images", VALUES), labels)
    assert split.images.shape == (2, 1, 28, 28)
    assert split.labels is not None
    assert split.labels.tolist() == [7, 3]


@pytest.mark.parametrize("kept", [0, 3, 10, 16, 200, -1])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_truncated_file(
    tmp_path: Path, write_idx: Callable[..., Path], kept: int, suffix: str
) -> None:
    content = write_idx(tmp_path / "whole", VALUES).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes((gzip.compress(content) if suffix else content)[:kept])
    with pytest.raises(DataError, match=r"VZ601: .*cut.* is damaged") as caught:
        idx.read(path)
    assert "delete the file" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 a zip file", "does not start"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "but it has more"),
        (b"\0\0\x08\x03\xff\xff\xff\xff\0\0\0\x1c\0\0\0\x1c", "header gives"),
    ],
)
def test_a_file_of_another_kind(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        idx.read(tmp_path / "file")


def test_images_of_another_size(tmp_path: Path, write_idx: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="wrong size: 32 × 32, expected 28 × 28"):
        idx.read(write_idx(tmp_path / "a", torch.zeros(2, 32, 32)), (28, 28))


def test_labels_that_do_not_fit(tmp_path: Path, write_idx: Callable[..., Path]) -> None:
    images = write_idx(tmp_path / "images", VALUES)
    with pytest.raises(DataError, match="3 labels for 2 images"):
        idx.read_split(images, write_idx(tmp_path / "labels", torch.zeros(3)))


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        idx.read(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "train-images-idx3-ubyte",
        "train-images.idx3-ubyte",
        "train-images-idx3-ubyte/train-images-idx3-ubyte",
        "train-images-idx3-ubyte/train-images.idx3-ubyte",
        "train-images.idx3-ubyte/train-images-idx3-ubyte",
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_names_that_archivers_give(
    tmp_path: Path, write_idx: Callable[..., Path], name: str, suffix: str
) -> None:
    path = write_idx(tmp_path / f"{name}{suffix}", VALUES)
    if suffix:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert idx.find(tmp_path, "train-images-idx3-ubyte") == path
    assert torch.equal(idx.read(path).long(), VALUES)


def test_compression_is_detected_by_content(tmp_path: Path, write_idx: Callable[..., Path]) -> None:
    """Browsers unpack a file on the way and leave its ending; others drop the ending."""
    plain = write_idx(tmp_path / "plain.gz", VALUES)
    assert torch.equal(idx.read(plain).long(), VALUES)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert torch.equal(idx.read(packed).long(), VALUES)


def test_resized_images_are_not_called_damaged(
    tmp_path: Path, write_idx: Callable[..., Path]
) -> None:
    with pytest.raises(DataError) as caught:
        idx.read(write_idx(tmp_path / "a", torch.zeros(2, 32, 32)), (28, 28))
    assert "damaged" not in str(caught.value)
    assert "delete" not in str(caught.value)
    assert "dataset plugin" in str(caught.value)
