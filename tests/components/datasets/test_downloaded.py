"""Datasets in downloaded files, made here in miniature; there is no network in tests."""

from __future__ import annotations

import io
import socket
import sys
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaezoo.components.datasets import CIFAR10, EMNIST, KMNIST, QMNIST, SVHN, cifar10, download
from vaezoo.diagnostics import DataError
from vaezoo.registry import Dataset

IMAGES = torch.arange(4 * 784).reshape(4, 28, 28) % 256
WriteIdx = Callable[..., Path]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request fails at once, whatever the machine."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.request.URLError("no network in tests")  # type: ignore[attr-defined]

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def fill(folder: Path, dataset: KMNIST | QMNIST | EMNIST, write_idx: WriteIdx) -> None:
    """Four images and labels 1 to 4 for both splits, where torchvision would put them."""
    for images, labels in dataset.files():
        raw = folder / dataset.torchvision_folder / "raw"
        write_idx(raw / images, IMAGES)
        if labels.endswith("idx2-int"):
            write_idx(raw / labels, torch.arange(1, 5).repeat(8, 1).T, 0x0C)
        else:
            write_idx(raw / labels, torch.arange(1, 5))


@pytest.mark.parametrize("dataset", [KMNIST, QMNIST], ids=lambda d: d.use)
def test_a_root_that_holds_the_files(
    dataset: type[KMNIST | QMNIST], tmp_path: Path, write_idx: WriteIdx
) -> None:
    made = dataset(root=str(tmp_path))
    assert made.problem()
    fill(tmp_path, made, write_idx)
    assert made.problem() is None
    data = made.build()
    assert data.train.images.shape == (4, *made.image_shape)
    assert torch.equal(data.test.images[:, 0].long(), IMAGES)
    assert data.test.labels is not None
    assert data.test.labels.tolist() == [1, 2, 3, 4]
    assert len(data.class_names) == 10


@pytest.mark.parametrize(
    ("split", "classes", "labels"),
    [
        ("byclass", 62, [1, 2, 3, 4]),
        ("bymerge", 47, [1, 2, 3, 4]),
        ("balanced", 47, [1, 2, 3, 4]),
        ("letters", 26, [0, 1, 2, 3]),
        ("digits", 10, [1, 2, 3, 4]),
    ],
)
def test_emnist_is_upright_and_counts_from_zero(
    split: str, classes: int, labels: list[int], tmp_path: Path, write_idx: WriteIdx
) -> None:
    made = EMNIST.model_validate({"split": split, "root": str(tmp_path)})
    fill(tmp_path, made, write_idx)
    data = made.build()
    assert torch.equal(data.train.images[:, 0].long(), IMAGES.transpose(1, 2))
    assert data.train.images.is_contiguous()
    assert data.train.labels is not None
    assert data.train.labels.tolist() == labels
    assert len(data.class_names) == classes


@pytest.mark.parametrize("dataset", [KMNIST(), QMNIST(), EMNIST(), CIFAR10()], ids=lambda d: d.use)
def test_a_download_that_fails(
    dataset: Dataset, cache: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dataset.problem() is None  # a download is meant to mend that
    with pytest.raises(DataError) as caught:
        dataset.build()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VZ601"
    assert f"cannot download {dataset.use} to {cache / 'downloads'}" in diagnostic.message
    assert "no network in tests" in diagnostic.message
    assert "\n" not in diagnostic.message
    assert "set `root`" in str(diagnostic.hint)
    assert capsys.readouterr().out == ""
    assert socket.getdefaulttimeout() is None


def test_download_false_looks_only(cache: Path) -> None:
    dataset = KMNIST(download=False)
    assert "train-images-idx3-ubyte and 3 more files" in str(dataset.problem())
    with pytest.raises(DataError, match="set `download: true`"):
        dataset.build()
    assert not cache.exists()


def test_a_root_is_never_written_to(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="remove `root`"):
        KMNIST(root=str(tmp_path), download=True).build()
    assert list(tmp_path.iterdir()) == []
    assert "no such folder" in str(KMNIST(root=str(tmp_path / "none")).problem())


def test_a_download_that_brings_something_else(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KMNIST, "fetch", lambda self: None)
    with pytest.raises(DataError, match="was downloaded, but"):
        KMNIST().build()


def test_an_unwritable_cache(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot download"):
        KMNIST().build()


def cifar_files() -> dict[str, bytes]:
    """Two records a file: label n, planes of n, n + 1 and n + 2."""
    records = [bytes([n]) + b"".join(bytes([n + c]) * 1024 for c in range(3)) for n in (3, 9)]
    names = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
    return {f"cifar-10-batches-bin/{name}": b"".join(records) for name in names}


@pytest.mark.parametrize("archived", [False, True], ids=["files", "archive"])
def test_cifar10_reads_the_binary_version(tmp_path: Path, archived: bool) -> None:
    dataset = CIFAR10(root=str(tmp_path))
    assert cifar10.ARCHIVE in str(dataset.problem())
    if archived:
        with tarfile.open(tmp_path / cifar10.ARCHIVE, "w:gz") as archive:
            for name, content in cifar_files().items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    else:
        for name, content in cifar_files().items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
    assert dataset.problem() is None
    data = dataset.build()
    assert (len(data.train), len(data.test)) == (10, 2)
    assert data.shape == dataset.image_shape == (3, 32, 32)
    assert data.test.labels is not None
    assert data.test.labels.tolist() == [3, 9]
    assert data.test.images[1].flatten(1).float().mean(1).tolist() == [9, 10, 11]


def test_cifar10_says_what_to_download(tmp_path: Path, cache: Path, no_network: None) -> None:
    with pytest.raises(DataError) as caught:
        CIFAR10().build()
    assert f"download {cifar10.URL} elsewhere and set `root`" in str(caught.value)
    assert "with torchvision" not in str(caught.value)
    (tmp_path / "cifar-10-batches-py").mkdir()
    problem = str(CIFAR10(root=str(tmp_path)).problem())
    assert "it has the Python version, a pickle" in problem
    assert cifar10.URL in problem


def test_cifar10_with_the_folder_of_its_files_as_root(tmp_path: Path) -> None:
    for name, content in cifar_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    dataset = CIFAR10(root=str(tmp_path / "cifar-10-batches-bin"))
    assert dataset.problem() is None
    assert len(dataset.build().train) == 10


@pytest.mark.parametrize("below", ["", "KMNIST", "KMNIST/raw"])
def test_files_that_were_unpacked_by_hand(tmp_path: Path, write_idx: WriteIdx, below: str) -> None:
    made = KMNIST(root=str(tmp_path))
    for images, labels in made.files():
        write_idx(tmp_path / below / images.replace("-idx", ".idx"), IMAGES)
        write_idx(tmp_path / below / labels.replace("-idx", ".idx"), torch.arange(1, 5))
    assert made.problem() is None
    assert len(made.build().train) == 4


def test_cifar10_from_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / cifar10.ARCHIVE).write_bytes(b"\x1f\x8b not an archive")
    with pytest.raises(DataError, match=r"VZ601(?s:.*)download them again"):
        CIFAR10(root=str(tmp_path)).build()


def test_svhn_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert "pip install scipy" in str(SVHN().problem())
    with pytest.raises(DataError, match=r"vaezoo\[svhn\]"):
        SVHN().build()


def test_svhn_looks_for_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaezoo.components.datasets.svhn.find_spec", lambda name: object())
    assert "train_32x32.mat" in str(SVHN(root=str(tmp_path)).problem())
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (tmp_path / name).write_bytes(b"not MATLAB")
    with pytest.raises(DataError, match=r"train_32x32.mat cannot be read"):
        SVHN(root=str(tmp_path)).build()


def test_downloads_time_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float | None] = []
    monkeypatch.setattr(KMNIST, "fetch", lambda self: seen.append(socket.getdefaulttimeout()))
    with pytest.raises(DataError):
        KMNIST().build()
    assert seen == [download.TIMEOUT]
