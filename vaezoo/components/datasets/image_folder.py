"""A folder of pictures as a dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from vaezoo.components.datasets.content import data_error, image_data
from vaezoo.registry import Dataset, ImageData, ImageShape, Split

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".webp"))


@dataclass(frozen=True)
class _Found:
    """Picture files in a fixed order, and the class of each where there are classes."""

    paths: list[Path]
    labels: list[int] | None
    class_names: tuple[str, ...]


class ImageFolder(Dataset, use="image_folder"):
    """The pictures in a folder, resized and cropped around their centre.

    Subfolders are classes, named as they are; a folder without any has no labels. The test
    split is drawn by ``seed``. Everything is decoded into memory once a run.
    """

    path: str = Field(
        description="the folder; a relative path starts at the working directory", min_length=1
    )
    height: PositiveInt = Field(64, description="of every image, in pixels")
    width: PositiveInt | None = Field(None, description="in pixels; as the height if left out")
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")
    test_fraction: float = Field(0.1, gt=0, lt=1, description="of the pictures, for testing")
    seed: int = Field(0, ge=0, description="draws the test pictures")

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(self.channels, self.height, self.width or self.height)

    def problem(self) -> str | None:
        folder = Path(self.path).expanduser()
        if not folder.is_dir():
            return f"path: there is no folder {self.path}"
        if next(_pictures(folder), None) is None:
            return f"path: {self.path} holds no pictures ({', '.join(sorted(SUFFIXES))})"
        return None

    def build(self) -> ImageData:
        import torch

        if problem := self.problem():
            raise data_error(problem, "set `path` to a folder of pictures")
        found = _find(Path(self.path).expanduser())
        count = len(found.paths)
        if count < 2:
            raise data_error(f"{self.path} holds one picture", "a test split needs another")
        images = self._decode(found.paths)
        labels = None if found.labels is None else torch.tensor(found.labels)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        tested = min(max(round(count * self.test_fraction), 1), count - 1)
        test, train = order[:tested].sort().values, order[tested:].sort().values
        return image_data(
            _part(images, labels, train), _part(images, labels, test), found.class_names
        )

    def _decode(self, paths: list[Path]) -> Tensor:
        """All pictures, (N, C, H, W) uint8. Threads help: Pillow works outside the GIL."""
        import torch

        images = torch.empty((len(paths), *self.image_shape), dtype=torch.uint8)
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(lambda path: _picture(path, self.image_shape), paths)
            for row, picture in zip(images, decoded, strict=True):
                row.copy_(picture)
        return images


def _part(images: Tensor, labels: Tensor | None, indices: Tensor) -> Split:
    return Split(images[indices], None if labels is None else labels[indices])


def _pictures(folder: Path) -> Iterator[Path]:
    """Picture files below a folder, hidden ones and links to folders left out, in any order."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(parent, name)


def _find(folder: Path) -> _Found:
    """The pictures, ordered by their path below the folder, so alike on every machine."""
    paths = sorted(_pictures(folder), key=lambda path: path.relative_to(folder).parts)
    classes = [path.relative_to(folder).parts[0] for path in paths if path.parent != folder]
    if not classes:
        return _Found(paths, None, ())
    if len(classes) < len(paths):
        raise data_error(
            f"{folder} holds pictures both beside and inside class folders",
            "move every picture into a subfolder, or all of them out",
        )
    names = tuple(sorted(set(classes)))
    return _Found(paths, [names.index(name) for name in classes], names)


def _picture(path: Path, shape: ImageShape) -> Tensor:
    """One picture, (C, H, W) uint8: the largest centred part of the right form, scaled."""
    import torch
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file)
            picture = upright.convert("L" if shape.channels == 1 else "RGB")
            fitted = ImageOps.fit(picture, (shape.width, shape.height), Image.Resampling.LANCZOS)
    # Pillow's readers raise many kinds of error for a damaged file
    except Exception as error:
        raise data_error(
            f"{path} cannot be read as a picture: {error}", "repair the file or remove it"
        ) from error
    pixels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
    return pixels.view(shape.height, shape.width, shape.channels).permute(2, 0, 1)
