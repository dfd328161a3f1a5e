"""A folder of pictures as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from vaezoo.components.datasets import folder_scan
from vaezoo.components.datasets.folder_scan import FolderContents, LeftOut, first_of, readable
from vaezoo.components.datasets.image_data import (
    data_error,
    data_warning,
    folder_problem,
    image_data,
)
from vaezoo.registry import Dataset, ImageData, ImageShape, Split

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.components.datasets.decode_picture import Decoded

BACKGROUND_PATTERN = r"^(white|black|#[0-9a-fA-F]{6})$"
#: reasons and names that an error lists
_MOST_REASONS, _MOST_NAMES = 5, 10


class ImageFolder(Dataset, use="image_folder"):
    """The pictures in a folder, resized and cropped around their centre.

    Subfolders are classes, named as they are; a folder without any has no labels. Folders called
    ``train`` and ``test`` at the top are the splits, each with or without class folders; ``val``
    is the test split where there is no ``test``, and is left out otherwise. Without them, the
    test split is drawn by ``seed``. Links are followed. A run says what it left out and which
    pictures it converted; one that cannot be read ends it. Everything is decoded into memory
    once a run.

    A grey picture of 16 bits is scaled from 0–65,535 to 0–255. Pictures of floating-point
    numbers or 32-bit integers are refused: their files do not say the range.
    """

    location: ClassVar[str] = "path"

    path: str = Field(
        description="the folder; a relative path starts at the working directory", min_length=1
    )
    height: PositiveInt = Field(64, description="of every image, in pixels")
    width: PositiveInt | None = Field(None, description="in pixels; as the height if left out")
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")
    background: str = Field(
        "white",
        pattern=BACKGROUND_PATTERN,
        description="behind transparent parts: white, black or a color such as #3a7bd5",
    )
    test_fraction: float = Field(
        0.1, gt=0, lt=1, description="of the pictures, for testing; unused with a test folder"
    )
    seed: int = Field(0, ge=0, description="draws the test pictures")

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(self.channels, self.height, self.width or self.height)

    @property
    def _folder(self) -> Path:
        return Path(self.path).expanduser()

    def problem(self) -> str | None:
        if problem := folder_problem("path", self.path):
            return problem
        left_out: list[LeftOut] = []
        for found in folder_scan.walk(self._folder):
            if not isinstance(found, LeftOut):
                return None
            left_out.append(found)
        there = folder_scan.summary(self._folder, left_out)
        endings = ", ".join(sorted(folder_scan.SUFFIXES))
        holds = f"; it holds {there}" if there else ""
        return f"path: {self._folder.absolute()} holds no pictures ({endings}){holds}"

    def build(self) -> ImageData:
        if problem := self.problem():
            raise data_error(problem, "set `path` to a folder of pictures")
        found = folder_scan.find(self._folder)
        count = len(found.train.paths)
        if not found.test and count < 2:
            raise data_error(f"{self.path} holds one picture", "a test split needs another")
        images = self._images(found)
        labels = self._labels(found)
        train, test = self._rows(found)
        return image_data(
            _part(images, labels, train), _part(images, labels, test), found.class_names
        )

    def _images(self, found: FolderContents) -> Tensor:
        """All pictures, (N, C, H, W) uint8, those of a test folder last.

        Warns (VZ611) of what was left out or converted. Raises DataError with every picture
        that cannot be used.
        """
        from vaezoo.components.datasets.decode_picture import Form, decode_all

        paths = [*found.train.paths, *(found.test.paths if found.test else ())]
        decoded = decode_all(paths, Form(self.image_shape, self.background))
        if decoded.unusable:
            raise data_error(self._unusable(decoded, len(paths)), _REPAIR)
        self._tell(found, decoded)
        return decoded.images

    def _unusable(self, decoded: Decoded, count: int) -> str:
        by_reason: dict[str, list[str]] = {}
        for path, reason in decoded.unusable:
            by_reason.setdefault(reason, []).append(readable(path.relative_to(self._folder)))
        listed = [
            f"{first_of(names, _MOST_NAMES)}: {'it' if len(names) == 1 else 'each'} {reason}"
            for reason, names in list(by_reason.items())[:_MOST_REASONS]
        ]
        if len(by_reason) > _MOST_REASONS:
            listed.append(f"and {len(by_reason) - _MOST_REASONS} more reasons")
        bad = f"{len(decoded.unusable):,} of {count:,} pictures"
        of = f"{bad} in {self._folder.absolute()} cannot be used"
        return "; ".join([of, *listed])

    def _tell(self, found: FolderContents, decoded: Decoded) -> None:
        folder = self._folder
        if found.left_out:
            data_warning(
                f"left out of {folder}: {folder_scan.summary(folder, found.left_out)}",
                "convert or move what is to be used, and take the rest out of the folder",
            )
        if decoded.notes:
            done = "; ".join(f"{count:,} {note}" for note, count in sorted(decoded.notes.items()))
            data_warning(f"pictures of {folder} were converted: {done}", "check that this is meant")
        for pair in folder_scan.look_alikes(found.class_names):
            data_warning(
                f"the class folders {pair[0]!r} and {pair[1]!r} of {folder} look alike",
                "they are two classes; move the pictures into one folder if they are one",
            )

    def _labels(self, found: FolderContents) -> Tensor | None:
        import torch

        parts = [part for part in (found.train, found.test) if part]
        if any(part.classes is None for part in parts):
            return None
        number = {name: index for index, name in enumerate(found.class_names)}
        return torch.tensor([number[name] for part in parts for name in part.classes or ()])

    def _rows(self, found: FolderContents) -> tuple[Tensor, Tensor]:
        """Which pictures are for training and which for testing, in ascending order."""
        import torch

        count = len(found.train.paths)
        if found.test:
            return torch.arange(count), torch.arange(count, count + len(found.test.paths))
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        tested = min(max(round(count * self.test_fraction), 1), count - 1)
        return order[tested:].sort().values, order[:tested].sort().values


_REPAIR = "repair or convert the files, or take them out of the folder"


def _part(images: Tensor, labels: Tensor | None, indices: Tensor) -> Split:
    return Split(images[indices], None if labels is None else labels[indices])
