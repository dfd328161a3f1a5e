"""Fashion-MNIST and MNIST, which ship with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from vaezoo.components.datasets import idx, packed
from vaezoo.components.datasets.image_data import DIGITS, data_error, folder_problem, image_data
from vaezoo.registry import Dataset, ImageData, ImageShape, Split
from vaezoo.registry.contracts import ImageClassifier
from vaezoo.registry.fields import Binarization

_FILES = {
    prefix: (f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")
    for prefix in ("train", "t10k")
}


class ShippedDataset(Dataset):
    """A dataset in the format of MNIST that ships with the package."""

    location: ClassVar[str] = "root"
    shipped: ClassVar[packed.Packed]
    torchvision_folder: ClassVar[str]
    names: ClassVar[tuple[str, ...]]

    root: str | None = Field(
        None,
        description="a torchvision root or a folder of IDX files to read instead of the copy in "
        "the package; nothing is written there",
    )
    training_images: Literal["train", "all"] = Field(
        "train",
        description="'all' trains on the 60,000 training and the 10,000 test images; figures on "
        "the test images are then not held-out figures",
    )
    binarize: Binarization = Field(
        Binarization(), description="binarization of gray levels: none, static or dynamic"
    )

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, packed.SIDE, packed.SIDE)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    @property
    def binary(self) -> bool:
        return self.binarize.use != "none"

    def problem(self) -> str | None:
        if self.root is None:
            return None
        if problem := folder_problem("root", self.root):
            return problem
        if self._folder() is None:
            return f"root: {Path(self.root).expanduser().absolute()} {self._missing}"
        return None

    def build(self) -> ImageData:
        if self.root is None:
            data = ImageData(*packed.load(self.shipped), self.class_names, self.shipped.digest)
        else:
            data = image_data(*self._read_root(), self.class_names)
        data = self._binarized(data)
        if self.training_images == "train":
            return data
        return replace(data, train=_joined(data.train, data.test), test_is_trained_on=True)

    def _binarized(self, data: ImageData) -> ImageData:
        """``static`` draws both splits; ``dynamic`` only the test split, training draws its own."""
        how = self.binarize
        if how.use == "none":
            return data
        train = data.train
        if how.use == "static":
            train = replace(train, images=how.drawn_once(train.images, "train"))
        test = replace(data.test, images=how.drawn_once(data.test.images, "test"))
        return replace(data, train=train, test=test, binarization=how)

    def classifier(self) -> ImageClassifier | None:
        """The classifier that ships with vaezoo, trained by ``tools/train_classifier.py``."""
        from vaezoo.components.nets.classifier import shipped_classifier

        return shipped_classifier(self.use)

    def _read_root(self) -> tuple[Split, Split]:
        folder = self._folder()
        if folder is None:
            raise data_error(
                f"root {self.root} {self._missing}",
                f"remove `root`: {self.use} ships with vaezoo",
            )
        train, test = (
            idx.read_split(*(path for name in names if (path := idx.find(folder, name))))
            for names in _FILES.values()
        )
        return train, test

    def _folder(self) -> Path | None:
        """The folder with all four files: torchvision's in the root, or the root.

        Does not search deeper, because MNIST and Fashion-MNIST have the same file names.
        """
        root = Path(self.root or "").expanduser()
        names = [name for pair in _FILES.values() for name in pair]
        below = root / self.torchvision_folder
        for folder in (below / "raw", below, root):
            if all(idx.find(folder, name) for name in names):
                return folder
        return None

    @property
    def _missing(self) -> str:
        return (
            f"lacks {self.torchvision_folder}/raw/train-images-idx3-ubyte[.gz] or one of its "
            "three companion files, there or in the folder itself"
        )


class FashionMNIST(ShippedDataset, use="fashion_mnist"):
    """Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): 70,000 gray images of clothes, 28 × 28.

    Ships with vaezoo. License: MIT, Zalando SE.
    """

    shipped = packed.FASHION_MNIST
    torchvision_folder = "FashionMNIST"
    names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )


class MNIST(ShippedDataset, use="mnist"):
    """MNIST (LeCun, Cortes and Burges): 70,000 gray images of handwritten digits, 28 × 28.

    Ships with vaezoo. License: CC BY-SA 3.0.
    """

    shipped = packed.MNIST
    torchvision_folder = "MNIST"
    names = DIGITS


class BinarizedMNIST(MNIST, use="binarized_mnist"):
    """MNIST with binary pixels, drawn once from its gray levels with a seed.

    The draw differs from that of the classic files (Larochelle and Murray 2011), which also hold
    out the last 10,000 training images for validation; here ``train.validation`` sets how many.
    Figures on the two therefore differ by some tenths of a nat.
    """

    binarize: Binarization = Field(
        Binarization(use="static"),
        description="binarization of gray levels: none, static or dynamic",
    )

    def classifier(self) -> None:
        """None: the classifier of MNIST was trained on grey levels."""
        return


def _joined(first: Split, second: Split) -> Split:
    import torch

    assert first.labels is not None
    assert second.labels is not None
    return Split(torch.cat((first.images, second.images)), torch.cat((first.labels, second.labels)))
