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
from vaezoo.diagnostics import DataError
from vaezoo.registry import Dataset, ImageData, ImageShape, Split

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.components.datasets.decode_picture import Decoded

BACKGROUND_PATTERN = r"^(white|black|#[0-9a-fA-F]{6})$"
#: limits on the reasons and names in an error
_MAX_REASONS, _MAX_NAMES = 5, 10
#: the brightest pixel of pictures with 12 bits in files of 16 bits, scaled to 255
_DARK = 16


class ImageFolder(Dataset, use="image_folder"):
    """The pictures in a folder, cropped to the center and resized.

    Subfolders are classes; a folder without subfolders has no labels. Top-level folders called
    ``train`` and ``test`` are splits, with or without class folders. ``val`` is the test split if
    there is no ``test``, else it is not used. Without split folders, ``seed`` selects the test
    split. Links are followed. A run decodes all pictures into memory once, reports which it
    skipped or converted, and fails if one cannot be read.

    Gray pictures with 16 bits are scaled from 0–65,535 to 0–255. Pictures of floating-point
    numbers or 32-bit integers are rejected, because their range is unknown.
    """

    location: ClassVar[str] = "path"

    path: str = Field(description="the folder, relative to the working directory", min_length=1)
    height: PositiveInt = Field(64, description="height of images, in pixels")
    width: PositiveInt | None = Field(
        None, description="width of images, in pixels; by default the height"
    )
    channels: Literal[1, 3] = Field(3, description="1 for gray, 3 for color")
    background: str = Field(
        "white",
        pattern=BACKGROUND_PATTERN,
        description="color behind transparent parts: white, black or a color such as #3a7bd5",
    )
    test_fraction: float = Field(
        0.1, gt=0, lt=1, description="fraction of pictures for testing; not used with a test folder"
    )
    seed: int = Field(0, ge=0, description="seed of the selection of test pictures")

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(self.channels, self.height, self.width or self.height)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class folders; None without any, or if the folder cannot be used."""
        if folder_problem("path", self.path):
            return None
        try:
            return folder_scan.find(self._folder).class_names or None
        except DataError:  # ``build`` reports it
            return None

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
        others = folder_scan.summary(self._folder, left_out)
        endings = ", ".join(sorted(folder_scan.SUFFIXES))
        found_instead = f"; it contains {others}" if others else ""
        return f"path: {self._folder.absolute()} contains no pictures ({endings}){found_instead}"

    def build(self) -> ImageData:
        if problem := self.problem():
            raise data_error(problem, "set `path` to a folder of pictures")
        found = folder_scan.find(self._folder)
        count = len(found.train.paths)
        if not found.test and count < 2:
            raise data_error(
                f"{self.path} contains one picture", "add another one for the test split"
            )
        images = self._images(found)
        labels = self._labels(found)
        train, test = self._rows(found)
        return image_data(
            _part(images, labels, train), _part(images, labels, test), found.class_names
        )

    def _images(self, found: FolderContents) -> Tensor:
        """All pictures, (N, C, H, W) uint8, those of a test folder last.

        Warns (VZ611) about skipped and converted files. Raises DataError with all unusable
        pictures.
        """
        from vaezoo.components.datasets.decode_picture import Form, decode_all

        paths = [*found.train.paths, *(found.test.paths if found.test else ())]
        decoded = decode_all(paths, Form(self.image_shape, self.background))
        if decoded.unusable:
            raise data_error(self._unusable(decoded, len(paths)), _REPAIR)
        self._report(found, decoded)
        return decoded.images

    def _unusable(self, decoded: Decoded, count: int) -> str:
        by_reason: dict[str, list[str]] = {}
        for path, reason in decoded.unusable:
            by_reason.setdefault(reason, []).append(readable(path.relative_to(self._folder)))
        listed = [
            f"{first_of(names, _MAX_NAMES)}: {'it' if len(names) == 1 else 'each'} {reason}"
            for reason, names in list(by_reason.items())[:_MAX_REASONS]
        ]
        if len(by_reason) > _MAX_REASONS:
            listed.append(f"and {len(by_reason) - _MAX_REASONS} more reasons")
        bad = f"{len(decoded.unusable):,} of {count:,} pictures"
        of = f"{bad} in {self._folder.absolute()} cannot be used"
        return "; ".join([of, *listed])

    def _report(self, found: FolderContents, decoded: Decoded) -> None:
        folder = self._folder
        if found.left_out:
            data_warning(
                f"skipped in {folder}: {folder_scan.summary(folder, found.left_out)}",
                "convert or move files that you need, and remove the others from the folder",
            )
        if decoded.notes:
            done = "; ".join(f"{count:,} {note}" for note, count in sorted(decoded.notes.items()))
            data_warning(
                f"pictures in {folder} were converted: {done}", "check that this is intended"
            )
        if len(decoded.images) and int(decoded.images.max()) <= _DARK:
            data_warning(
                f"no pixel of the pictures in {folder} is above {_DARK} of 255",
                "scale pictures with 10 or 12 bits per pixel to the range of their files",
            )
        if found.like_splits:
            data_warning(
                f"folders in {folder} are named like splits, but are "
                f"{'used as classes' if found.class_names else 'not splits'}: "
                f"{first_of(list(found.like_splits))}",
                "only top-level folders called train and test are splits: rename folders, or set "
                "`path` to the folder above them",
            )
        for pair in folder_scan.look_alikes(found.class_names):
            data_warning(
                f"the class folders {pair[0]!r} and {pair[1]!r} in {folder} have similar names",
                "move the pictures into one folder if they are one class",
            )

    def _labels(self, found: FolderContents) -> Tensor | None:
        import torch

        parts = [part for part in (found.train, found.test) if part]
        if any(part.classes is None for part in parts):
            return None
        number = {name: index for index, name in enumerate(found.class_names)}
        return torch.tensor([number[name] for part in parts for name in part.classes or ()])

    def _rows(self, found: FolderContents) -> tuple[Tensor, Tensor]:
        """The indices of training and test pictures, in ascending order."""
        import torch

        count = len(found.train.paths)
        if found.test:
            return torch.arange(count), torch.arange(count, count + len(found.test.paths))
        order = torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))
        tested = min(max(round(count * self.test_fraction), 1), count - 1)
        return order[tested:].sort().values, order[:tested].sort().values


_REPAIR = "fix or convert the files, or remove them from the folder"


def _part(images: Tensor, labels: Tensor | None, indices: Tensor) -> Split:
    return Split(images[indices], None if labels is None else labels[indices])
