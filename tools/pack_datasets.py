"""Pack MNIST and Fashion-MNIST, as their authors published them, into the package.

    python tools/pack_datasets.py FOLDER    # holds fashion-mnist/*.gz and mnist/*.gz

Made once; the files in ``vaezoo/shipped_data`` are the result. A file is one xz stream of the
training images, test images, training labels and test labels, without the IDX headers.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).parents[1] / "vaezoo" / "shipped_data"
IMAGES_HEADER, LABELS_HEADER = 16, 8


@dataclass(frozen=True)
class Source:
    """A dataset as published; ``md5`` is of the four decompressed files, in ``PARTS``' order."""

    folder: str
    packed: str
    columns_first: bool
    md5: tuple[str, str, str, str]


PARTS = (
    "train-images-idx3-ubyte",
    "t10k-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-labels-idx1-ubyte",
)
SOURCES = (
    # clothes are more alike down a column than along a row: 4.5 % smaller; digits are not
    Source(
        "fashion-mnist",
        "fashion_mnist.xz",
        True,
        (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    Source(
        "mnist",
        "mnist.xz",
        False,
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "2646ac647ad5339dbf082846283269ea",
            "a25bea736e30d166cdddb491f175f624",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
)
#: lc=4 (the upper half of the byte before as context) suits grey levels: the smallest of the
#: settings tried; delta filters make both files larger.
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "lc": 4,
        "lp": 0,
        "pb": 0,
        "nice_len": 273,
        "depth": 1000,
    }
]


def pack(folder: Path, source: Source) -> Path:
    """Check one dataset's files against their published MD5 and write it packed."""
    payload = bytearray()
    for part, expected in zip(PARTS, source.md5, strict=True):
        content = gzip.decompress((folder / source.folder / f"{part}.gz").read_bytes())
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != expected:
            raise SystemExit(f"{source.folder}/{part} is not the published file")
        payload += _body(content, source.columns_first)
    packed = lzma.compress(payload, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=FILTERS)
    target = OUTPUT / source.packed
    target.write_bytes(packed)
    return target


def _body(content: bytes, columns_first: bool) -> bytes:
    if content[3] == 1:
        return content[LABELS_HEADER:]
    pixels = np.frombuffer(content, np.uint8, offset=IMAGES_HEADER).reshape(-1, 28, 28)
    return (pixels.transpose(0, 2, 1) if columns_first else pixels).tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack MNIST and Fashion-MNIST.")
    parser.add_argument("folder", type=Path, help="holds fashion-mnist/*.gz and mnist/*.gz")
    folder = parser.parse_args().folder
    OUTPUT.mkdir(exist_ok=True)
    for source in SOURCES:
        target = pack(folder, source)
        print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
