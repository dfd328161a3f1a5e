"""MNIST and Fashion-MNIST from the package, unpacked once into the user's cache.

Every load checks the digest of the content (about 50 ms) and replaces a damaged cache file. If
the cache cannot be written, the data is unpacked in memory.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import lzma
from dataclasses import dataclass
from pathlib import Path

from vaezoo.components.datasets.image_data import content_digest, data_error
from vaezoo.registry import Split
from vaezoo.system.files import cache_folder, write_whole
from vaezoo.system.regular_file import open_regular

TRAIN, TEST, SIDE = 60_000, 10_000, 28
_PIXELS = (TRAIN + TEST) * SIDE * SIDE


@dataclass(frozen=True)
class Packed:
    """A file of ``tools/pack_datasets.py`` and the digest of its content."""

    name: str
    columns_first: bool
    digest: str


FASHION_MNIST = Packed(
    "fashion_mnist", True, "a9cb2271c16dd39e999c915a812b71f9c96e4e2386b58e57b07689a9ac7d629c"
)
MNIST = Packed("mnist", False, "21a53001d8b31cb226bb5ce2ec75c04b279a2356d510ed824e619d45ae3832de")


def load(packed: Packed) -> tuple[Split, Split]:
    """Load the training and the test split: images (N, 1, 28, 28), labels (N,).

    Raises DataError if the file in the package is missing or damaged.
    """
    cached = cache_path(packed)
    splits = _read(cached, packed.digest)
    if splits is None:
        splits = unpack(packed)
        with contextlib.suppress(OSError):  # a read-only cache only costs time
            _write(cached, splits)
    return splits


def cache_path(packed: Packed) -> Path:
    """The path of the unpacked data, with the digest in its name."""
    return cache_folder() / "datasets" / f"{packed.name}-{packed.digest[:12]}.safetensors"


def unpack(packed: Packed) -> tuple[Split, Split]:
    """Decode the file in the package, in memory. Raises DataError if it is damaged."""
    import torch

    file = importlib.resources.files("vaezoo") / "shipped_data" / f"{packed.name}.xz"
    try:
        content = torch.frombuffer(bytearray(lzma.decompress(file.read_bytes())), dtype=torch.uint8)
    except (OSError, lzma.LZMAError) as error:
        raise _broken_package(packed, str(error)) from error
    if len(content) != _PIXELS + TRAIN + TEST:
        raise _broken_package(packed, f"it has {len(content):,} bytes")
    images = content[:_PIXELS].reshape(-1, 1, SIDE, SIDE)
    if packed.columns_first:
        images = images.transpose(2, 3).contiguous()
    labels = content[_PIXELS:].long()
    splits = Split(images[:TRAIN], labels[:TRAIN]), Split(images[TRAIN:], labels[TRAIN:])
    if content_digest(*splits) != packed.digest:
        raise _broken_package(packed, "its checksum is wrong")
    return splits


def _broken_package(packed: Packed, why: str) -> Exception:
    return data_error(
        f"the {packed.name} data that ships with vaezoo is damaged: {why}",
        "reinstall vaezoo with pip install --force-reinstall --no-deps vaezoo",
    )


def _read(path: Path, digest: str) -> tuple[Split, Split] | None:
    """The cached splits; None if they are missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with open_regular(path):  # another program may have put a pipe or a link there
            tensors = load_file(path)
        train = Split(tensors["train.images"], tensors["train.labels"])
        test = Split(tensors["test.images"], tensors["test.labels"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return (train, test) if content_digest(train, test) == digest else None


def _write(path: Path, splits: tuple[Split, Split]) -> None:
    from safetensors.torch import save

    tensors = {}
    for name, split in zip(("train", "test"), splits, strict=True):
        assert split.labels is not None
        # clones, because safetensors rejects views of one tensor
        tensors[f"{name}.images"] = split.images.clone()
        tensors[f"{name}.labels"] = split.labels.clone()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, save(tensors))
