"""A folder of pictures as a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from vaezoo.components.datasets import ImageFolder
from vaezoo.diagnostics import DataError, DiagnosticWarning


def paint(path: Path, size: tuple[int, int] = (20, 10), colour: object = (200, 100, 50)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)  # type: ignore[arg-type]


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Six cats, four dogs; each a little different."""
    for name, count, red in (("cat", 6, 10), ("dog", 4, 200)):
        for number in range(count):
            paint(tmp_path / name / f"{number}.png", colour=(red + number, 20, 30))
    return tmp_path


def test_subfolders_are_classes(animals: Path) -> None:
    dataset = ImageFolder(path=str(animals), height=8, width=12, test_fraction=0.3)
    assert dataset.problem() is None
    data = dataset.build()
    assert data.class_names == ("cat", "dog")
    assert (len(data.train), len(data.test)) == (7, 3)
    assert data.shape == dataset.image_shape == (3, 8, 12)
    images = torch.cat((data.train.images, data.test.images))
    assert data.train.labels is not None
    assert data.test.labels is not None
    labels = torch.cat((data.train.labels, data.test.labels))
    assert labels.dtype == torch.int64
    assert torch.equal(images[:, 0, 0, 0] >= 200, labels == 1)
    assert images[:, 0, 0, 0].unique().numel() == 10  # every picture, once
    assert images[:, 1].unique().tolist() == [20]


def test_a_folder_without_subfolders_has_no_labels(tmp_path: Path) -> None:
    for number in range(3):
        paint(tmp_path / f"{number}.jpg")
    data = ImageFolder(path=str(tmp_path), height=8, channels=1).build()
    assert data.shape == (1, 8, 8)
    assert data.train.labels is None
    assert data.test.labels is None
    assert data.class_names == ()
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert abs(int(data.test.images[0, 0, 4, 4]) - grey) <= 2


def test_pictures_are_cropped_around_their_centre(tmp_path: Path) -> None:
    for number in range(2):
        picture = Image.new("RGB", (30, 10), "red")
        picture.paste("blue", (10, 0, 20, 10))
        picture.save(tmp_path / f"{number}.png")
    data = ImageFolder(path=str(tmp_path), height=10).build()
    assert data.train.images[0].flatten(1).unique(dim=1).flatten().tolist() == [0, 0, 255]


def test_the_split_follows_the_seed(animals: Path) -> None:
    digests = [
        ImageFolder(path=str(animals), height=8, seed=seed).build().digest for seed in (0, 0, 1)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_grey_pictures_as_colour(tmp_path: Path) -> None:
    for number in range(2):
        Image.new("L", (9, 9), 77).save(tmp_path / f"{number}.PNG")
    assert ImageFolder(path=str(tmp_path), height=8).build().train.images.unique().tolist() == [77]


def test_hidden_files_and_others_are_left_out(animals: Path) -> None:
    (animals / "notes.txt").write_text("not a picture")
    paint(animals / ".thumbnails" / "0.png")
    (animals / "cat" / "._0.png").write_bytes(b"what macOS leaves behind")
    with pytest.warns(DiagnosticWarning, match=r"2 hidden: .*; 1 with the suffix \.txt: notes"):
        data = ImageFolder(path=str(animals), height=8).build()
    assert len(data.train) + len(data.test) == 10


def test_a_broken_picture_is_named(animals: Path) -> None:
    broken = animals / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.raises(DataError) as caught:
        ImageFolder(path=str(animals)).build()
    assert caught.value.diagnostics[0].code == "VZ601"
    assert "; dog/2.png: it " in caught.value.diagnostics[0].message


@pytest.mark.filterwarnings("default")
def test_an_absurdly_large_picture_is_refused(
    animals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(DataError, match="exceeds limit"):
        ImageFolder(path=str(animals)).build()


def test_folders_that_will_not_do(tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path / "none", "no such folder"),
        (tmp_path, "no pictures"),
    ):
        dataset = ImageFolder(path=str(path))
        assert problem in str(dataset.problem())
        with pytest.raises(DataError, match=problem):
            dataset.build()
    paint(tmp_path / "0.png")
    with pytest.raises(DataError, match="contains one picture"):
        ImageFolder(path=str(tmp_path)).build()
    paint(tmp_path / "class" / "1.png")
    with pytest.raises(DataError, match="next to and inside"):
        ImageFolder(path=str(tmp_path)).build()
