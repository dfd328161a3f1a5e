"""KMNIST, QMNIST and EMNIST: variants of MNIST in the same file format."""

from __future__ import annotations

import string
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from vaezoo.components.datasets import idx
from vaezoo.components.datasets.download import DownloadedDataset
from vaezoo.components.datasets.image_data import DIGITS, image_data
from vaezoo.registry import ImageData, ImageShape, Split


class HandwritingDataset(DownloadedDataset):
    """Gray images of 28 × 28 pixels in IDX files, in ``root/FOLDER/raw`` or in ``root``."""

    torchvision_folder: ClassVar[str]

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 28, 28)

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """The names of classes 0, 1, …"""

    @abstractmethod
    def files(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The file names (images, labels) of the training and the test split."""

    def adjusted(self, split: Split) -> Split:
        """Make images upright and labels start at 0."""
        return split

    def build(self) -> ImageData:
        self.ensure()
        train, test = (
            self.adjusted(idx.read_split(*(path for name in names if (path := self._find(name)))))
            for names in self.files()
        )
        return image_data(train, test, self.class_names)

    def missing(self) -> list[str]:
        names = [name for pair in self.files() for name in pair]
        return [f"{self.torchvision_folder}/raw/{n}" for n in names if self._find(n) is None]

    def _find(self, name: str) -> Path | None:
        """The path of a file: torchvision's, or where it was unpacked by hand."""
        below = self.folder / self.torchvision_folder
        by_hand = (below, self.folder) if self.root is not None else ()
        found = (idx.find(folder, name) for folder in (below / "raw", *by_hand))
        return next((path for path in found if path), None)


class KMNIST(HandwritingDataset, use="kmnist"):
    """Kuzushiji-MNIST (Clanuwat et al. 2018): 70,000 gray images of ten cursive hiragana, 28 × 28.

    License: CC BY-SA 4.0, Center for Open Data in the Humanities.
    """

    torchvision_folder = "KMNIST"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

    def files(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (
            ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
            ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        )

    def fetch(self) -> None:
        from torchvision import datasets

        datasets.KMNIST(self.folder, download=True)


class QMNIST(HandwritingDataset, use="qmnist"):
    """QMNIST (Yadav and Bottou 2019): MNIST rebuilt from its sources, with 60,000 test images."""

    test_images: Literal["all", "first_10000", "last_50000"] = Field(
        "all", description="test images to use: MNIST's 10,000 come first, then 50,000 more"
    )
    torchvision_folder = "QMNIST"

    @property
    def class_names(self) -> tuple[str, ...]:
        return DIGITS

    def files(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (
            ("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"),
            ("qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"),
        )

    def build(self) -> ImageData:
        data = super().build()
        if self.test_images == "all":
            return data
        kept = slice(10_000) if self.test_images == "first_10000" else slice(10_000, None)
        assert data.test.labels is not None
        test = Split(data.test.images[kept].clone(), data.test.labels[kept].clone())
        return image_data(data.train, test, data.class_names)

    def fetch(self) -> None:
        from torchvision import datasets

        for train in (True, False):
            datasets.QMNIST(self.folder, train=train, download=True)


#: letters whose upper and lower case are one class
_MERGED = frozenset("cijklmopsuvwxyz")
_BY_CLASS = tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
_BY_MERGE = tuple(name for name in _BY_CLASS if name not in _MERGED)


class EMNIST(HandwritingDataset, use="emnist"):
    """EMNIST (Cohen et al. 2017): gray images of handwritten letters and digits, 28 × 28.

    The images of the files are transposed; this dataset makes them upright. Classes start at 0.
    By NIST, in the public domain.
    """

    split: Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"] = Field(
        "balanced",
        description="balanced: 47 classes; byclass: 62; bymerge: 47; digits and mnist: 10; "
        "letters: 26",
    )
    torchvision_folder = "EMNIST"

    @property
    def class_names(self) -> tuple[str, ...]:
        match self.split:
            case "byclass":
                return _BY_CLASS
            case "balanced" | "bymerge":
                return _BY_MERGE
            case "letters":
                return tuple(string.ascii_lowercase)
            case "digits" | "mnist":
                return DIGITS

    def files(self) -> tuple[tuple[str, str], tuple[str, str]]:
        train, test = (
            (f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")
            for prefix in (f"emnist-{self.split}-train", f"emnist-{self.split}-test")
        )
        return train, test

    def adjusted(self, split: Split) -> Split:
        assert split.labels is not None
        labels = split.labels - 1 if self.split == "letters" else split.labels
        return Split(split.images.transpose(2, 3).contiguous(), labels)

    def fetch(self) -> None:
        from torchvision import datasets

        datasets.EMNIST(self.folder, self.split, download=True)
