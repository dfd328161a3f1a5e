"""Datasets in files: written once, then mapped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from vaezoo import ImageData, ImageShape, ImageWriter, images_on_disk
from vaezoo.data.memory_mapped import is_on_disk
from vaezoo.diagnostics import DataError

SHAPE = ImageShape(1, 3, 5)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path))
    return tmp_path / "datasets"


def some(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *SHAPE), dtype=torch.uint8, generator=generator)


def write(writer: ImageWriter, labels: bool = True) -> None:
    """Write eleven training images, one of them separately, and four test images."""
    train = some(11, 0)
    writer.add("train", train[0], 7 if labels else None)
    writer.add("test", some(4, 1), torch.arange(4) if labels else None)
    writer.add("train", train[1:], torch.arange(10) if labels else None)


def built(write: Callable[[ImageWriter], None] = write, name: str = "some-1") -> ImageData:
    return images_on_disk(name, SHAPE, write, tuple("abcdefghij"))


def test_images_and_labels_are_read_back(cache: Path) -> None:
    data = built()
    assert torch.equal(data.train.images, some(11, 0))
    assert torch.equal(data.test.images, some(4, 1))
    assert data.train.labels is not None
    assert data.train.labels.tolist() == [7, *range(10)]
    assert data.class_names == tuple("abcdefghij")
    assert data.shape == SHAPE
    assert all(is_on_disk(split.images) for split in (data.train, data.test))
    assert [path.name for path in cache.iterdir()] == ["some-1"]


def test_the_files_are_safetensors(cache: Path) -> None:
    data = built()
    tensors = load_file(cache / "some-1" / "train.safetensors")
    assert torch.equal(tensors["images"], data.train.images)
    assert data.train.labels is not None
    assert torch.equal(tensors["labels"], data.train.labels)


def test_an_existing_dataset_is_not_written_again() -> None:
    def never(writer: ImageWriter) -> None:
        raise AssertionError

    first, again = built(), built(never)
    assert torch.equal(first.train.images, again.train.images)
    assert first.digest == again.digest


def test_the_digest_depends_only_on_the_content() -> None:
    def at_once(writer: ImageWriter) -> None:
        writer.add("train", some(11, 0), torch.tensor([7, *range(10)]))
        writer.add("test", some(4, 1), torch.arange(4))

    def otherwise(writer: ImageWriter) -> None:
        writer.add("train", some(11, 0), torch.tensor([8, *range(10)]))
        writer.add("test", some(4, 1), torch.arange(4))

    digests = {
        name: built(how, name).digest
        for name, how in (("a", write), ("b", at_once), ("c", otherwise))
    }
    assert digests["a"] == digests["b"] != digests["c"]


def test_images_without_labels() -> None:
    data = built(lambda writer: write(writer, labels=False))
    assert (data.train.labels, data.test.labels) == (None, None)
    assert len(data.train) == 11


def test_changing_the_tensor_does_not_change_the_file() -> None:
    built().train.images.zero_()
    assert torch.equal(built().train.images, some(11, 0))


@pytest.mark.parametrize(
    ("images", "labels", "why"),
    [
        (some(2, 0).float(), None, r"torch\.float32, expected \(N, 1, 3, 5\) in torch\.uint8"),
        (some(2, 0)[..., :4], None, r"train images are \(2, 1, 3, 4\)"),
        (some(2, 0), 1, "1 labels for 2 train images"),
    ],
)
def test_mismatched_images_are_refused_and_no_file_is_kept(
    cache: Path, images: Tensor, labels: int | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        built(lambda writer: writer.add("train", images, labels))
    assert list(cache.iterdir()) == []


def test_partial_labels_are_refused() -> None:
    def partly(writer: ImageWriter) -> None:
        write(writer)
        writer.add("train", some(2, 3))

    with pytest.raises(ValueError, match="0 labels for 2 train images"):
        built(partly)


def test_a_split_without_images_is_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match="the test split has no images"):
        built(lambda writer: writer.add("train", some(2, 0)))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["../elsewhere", "", ".hidden", "a/b"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a valid name"):
        built(name=name)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"\0" * 2000),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
    ids=["shorter", "zeros", "empty", "gone"],
)
def test_a_damaged_file_is_refused(cache: Path, damage: Callable[[Path], object]) -> None:
    built()
    damage(cache / "some-1" / "test.safetensors")
    with pytest.raises(DataError, match=r"VZ601.*test\.safetensors is damaged") as caught:
        built()
    assert "delete the folder" in str(caught.value.diagnostics[0].hint)


def test_a_file_of_another_shape_is_refused() -> None:
    built()
    with pytest.raises(DataError, match=r"VZ601.*its images are \[1, 3, 5\]"):
        images_on_disk("some-1", ImageShape(3, 3, 5), write)


def test_concurrent_writers_create_one_dataset(cache: Path) -> None:
    def in_between(writer: ImageWriter) -> None:
        built()  # another process that finishes first
        write(writer)

    assert torch.equal(built(in_between).train.images, some(11, 0))
    assert [path.name for path in cache.iterdir()] == ["some-1"]


def test_an_unwritable_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"VZ601.*cannot write or read"):
        built()
