from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.scaffold.installed import Environment
from vaezoo.components.datasets import FashionMNIST

#: Images of each split that are kept, and the names of the files they go to.
KEPT = {"train": 600, "t10k": 100}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A folder in which no plugin is installed yet."""
    return Environment(tmp_path)


@pytest.fixture(scope="session")
def few_clothes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first images of Fashion-MNIST as files of its form."""
    folder = tmp_path_factory.mktemp("few")
    data = FashionMNIST().build()
    for (prefix, count), split in zip(KEPT.items(), (data.train, data.test), strict=True):
        assert split.labels is not None
        images = split.images[:count, 0].numpy()
        header = struct.pack(">BBBBIII", 0, 0, 8, 3, *images.shape)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">BBBBI", 0, 0, 8, 1, count)
        labels = split.labels[:count].numpy().astype("u1")
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return folder
