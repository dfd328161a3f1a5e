"""Damaged files in the cache folder are recreated or reported; other files stay."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vaezoo.components.datasets import packed
from vaezoo.data.on_disk import ImageWriter, images_on_disk
from vaezoo.diagnostics import DataError
from vaezoo.registry import ImageShape
from vaezoo.registry.discovery import MetadataCache, PluginMetadata

FACTS = PluginMetadata(components=(("loss", "x"),))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def a_link_out(path: Path) -> None:
    path.symlink_to(path.parent.parent / "others")


def nonsense(path: Path) -> None:
    path.write_bytes(b"\xff\x00" * 50_000)


def deep_nonsense(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def a_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


MAKE = [
    a_pipe,
    a_link_to_zeros,
    a_link_to_nothing,
    a_link_to_itself,
    a_link_out,
    nonsense,
    deep_nonsense,
    a_terabyte,
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "others").write_text("others' content")
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("VAEZOO_CACHE", str(folder))
    return folder


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_the_plugin_cache(make: Callable[[Path], None], cache: Path) -> None:
    path = cache / "plugins.json"
    make(path)
    memory = MetadataCache(path)
    assert memory.recall("mine", "stamp") is None
    memory.learn("mine", "stamp", FACTS)
    memory.save()
    assert MetadataCache(path).recall("mine", "stamp") == FACTS
    assert (cache.parent / "others").read_text() == "others' content"


def test_a_folder_in_place_of_the_plugin_cache(cache: Path) -> None:
    path = cache / "plugins.json"
    path.mkdir()
    memory = MetadataCache(path)
    memory.learn("mine", "stamp", FACTS)
    memory.save()
    assert memory.recall("mine", "stamp") == FACTS


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_unpacked_data(make: Callable[[Path], None], cache: Path) -> None:
    path = packed.cache_path(packed.MNIST)
    path.parent.mkdir()
    make(path)
    assert packed._read(path, packed.MNIST.digest) is None
    assert (cache.parent / "others").read_text() == "others' content"


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_images_on_disk(make: Callable[[Path], None], cache: Path) -> None:
    shape = ImageShape(1, 2, 2)

    def write(writer: ImageWriter) -> None:
        for split in ("train", "test"):
            writer.add(split, torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 0]))

    assert len(images_on_disk("dots", shape, write).train) == 3
    path = cache / "datasets" / "dots" / "train.safetensors"
    path.unlink()
    make(path)
    with pytest.raises(DataError, match=r"train\.safetensors"):
        images_on_disk("dots", shape, write)
