"""Street View House Numbers, whose files scipy reads."""

from __future__ import annotations

from importlib.util import find_spec

from vaezoo.components.datasets.download import DownloadedDataset
from vaezoo.components.datasets.image_data import DIGITS, cause, data_error, image_data
from vaezoo.registry import ImageData, ImageShape, Split

_NEEDS_SCIPY = "svhn needs scipy to read its MATLAB files, but scipy is not installed"


class SVHN(DownloadedDataset, use="svhn"):
    """Street View House Numbers (Netzer et al. 2011): 99,289 color images of digits, 32 × 32.

    Needs scipy: ``pip install 'vaezoo[svhn]'``. License: non-commercial use only.
    """

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(3, 32, 32)

    @property
    def class_names(self) -> tuple[str, ...]:
        return DIGITS

    def missing(self) -> list[str]:
        names = ("train_32x32.mat", "test_32x32.mat")
        return [name for name in names if not (self.folder / name).is_file()]

    def fetch(self) -> None:
        from torchvision import datasets

        for split in ("train", "test"):
            datasets.SVHN(self.folder, split, download=True)

    def problem(self) -> str | None:
        if find_spec("scipy") is None:
            return f"{_NEEDS_SCIPY}: pip install scipy"
        return super().problem()

    def build(self) -> ImageData:
        if find_spec("scipy") is None:
            raise data_error(_NEEDS_SCIPY, "pip install scipy, or pip install 'vaezoo[svhn]'")
        self.ensure()
        return image_data(self._split("train"), self._split("test"), DIGITS)

    def _split(self, name: str) -> Split:
        import torch
        from torchvision import datasets

        try:
            loaded = datasets.SVHN(self.folder, name)
        # scipy raises many kinds of error for a damaged file, torchvision RuntimeError
        except Exception as error:
            raise data_error(
                f"{self.folder / f'{name}_32x32.mat'} cannot be read: {cause(error)}",
                "delete the file and download it again",
            ) from error
        images = torch.from_numpy(loaded.data).contiguous()
        return Split(images, torch.from_numpy(loaded.labels))
