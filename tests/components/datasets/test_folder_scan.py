"""What a folder of pictures holds: splits, classes, links, and all that is left out."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import pytest
from PIL import Image

from vaezoo.components.datasets import ImageFolder, folder_scan
from vaezoo.diagnostics import DataError, DiagnosticWarning
from vaezoo.registry import ImageData


def paint(path: Path, level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), level).save(path)


def paint_many(folder: Path, count: int, level: int = 100) -> None:
    for number in range(count):
        paint(folder / f"{number}.png", level)


def load(folder: Path, **fields: object) -> tuple[ImageData, str]:
    """The data of a folder, and what was warned of."""
    dataset = ImageFolder.model_validate(
        {"path": str(folder), "height": 8, "channels": 1, **fields}
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = dataset.build()
    assert all(issubclass(one.category, DiagnosticWarning) for one in caught)
    return data, "\n".join(str(one.message) for one in caught)


def levels(data: ImageData) -> tuple[set[int], set[int]]:
    """The grey levels of the training and of the test images."""
    return (
        set(data.train.images.unique().tolist()),
        set(data.test.images.unique().tolist()),
    )


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "TEST"), ("train", "testing")])
@pytest.mark.parametrize("classes", [("cat", "dog"), ("",)], ids=["classes", "flat"])
def test_train_and_test_are_splits(
    tmp_path: Path, names: tuple[str, str], classes: tuple[str, ...]
) -> None:
    for name, level in zip(names, (10, 200), strict=True):
        for one in classes:
            paint_many(tmp_path / name / one, 3, level)
    data, said = load(tmp_path)
    assert levels(data) == ({10}, {200})
    assert data.class_names == (classes if len(classes) > 1 else ())
    assert (data.train.labels is None) == (classes == ("",))
    assert said == ""


def test_a_validation_folder_is_skipped_with_a_warning(tmp_path: Path) -> None:
    for name, level in (("train", 10), ("val", 99), ("test", 200)):
        paint_many(tmp_path / name, 3, level)
    data, said = load(tmp_path)
    assert levels(data) == ({10}, {200})
    assert "3 in a validation folder (use train.validation to hold out" in said


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_the_validation_folder_is_the_test_split_without_another(tmp_path: Path, name: str) -> None:
    paint_many(tmp_path / "train", 3, 10)
    paint_many(tmp_path / name, 2, 99)
    data, said = load(tmp_path)
    assert levels(data) == ({10}, {99})
    assert said == ""


def test_other_folders_next_to_splits_are_skipped(tmp_path: Path) -> None:
    for name, level in (("train", 10), ("test", 200), ("unlabeled", 99)):
        paint_many(tmp_path / name, 3, level)
    data, said = load(tmp_path)
    assert levels(data) == ({10}, {200})
    assert "3 in a folder that is not a split: unlabeled/0.png" in said


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "plane", "car"):
        paint_many(tmp_path / name, 4)
    data, _ = load(tmp_path)
    assert data.class_names == ("car", "plane", "train")


def test_a_train_folder_alone_is_divided(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        paint_many(tmp_path / "train" / name, 5)
    data, _ = load(tmp_path, test_fraction=0.2)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert data.class_names == ("cat", "dog")


def test_splits_that_do_not_fit(tmp_path: Path) -> None:
    paint_many(tmp_path / "train" / "cat", 3)
    paint_many(tmp_path / "test", 3)
    with pytest.raises(DataError, match="only the training split has class folders"):
        load(tmp_path)
    paint(tmp_path / "loose.png")
    with pytest.raises(DataError, match="1 picture next to its split folders"):
        load(tmp_path)


def test_everything_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    paint_many(tmp_path / "a", 3)
    paint_many(tmp_path / "b", 3)
    for number in range(5):
        (tmp_path / "a" / f"{number}.HEIC").write_bytes(b"x")
    (tmp_path / "a" / "picture").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "c").mkdir()
    (tmp_path / "d.png").mkdir()
    data, said = load(tmp_path)
    assert data.class_names == ("a", "b")
    assert "5 with the suffix .heic: a/0.HEIC, a/1.HEIC, a/2.HEIC and 2 more" in said
    assert "1 without a suffix: a/picture" in said
    assert "1 with the suffix .csv: labels.csv" in said
    assert "1 hidden: .hidden" in said
    assert "2 without pictures: c, d.png" in said


def test_links_are_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "pictures", tmp_path / "elsewhere"
    paint_many(folder / "a", 3, 10)
    paint_many(elsewhere, 3, 200)
    (folder / "b").symlink_to("../elsewhere")
    (folder / "a" / "linked.png").symlink_to(elsewhere / "0.png")
    data, said = load(folder)
    assert data.class_names == ("a", "b")
    assert len(data.train) + len(data.test) == 6
    assert "1 that link to files or folders used already: b/0.png" in said


def test_each_picture_is_used_once(tmp_path: Path) -> None:
    paint_many(tmp_path / "z", 4)
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "z" / "again.png").symlink_to("0.png")
    data, said = load(tmp_path)
    assert data.class_names == ("z",)
    assert len(data.train) + len(data.test) == 4
    assert "2 that link to files or folders used already: a, z/again.png" in said


@pytest.mark.parametrize(
    "folders",
    [
        ("training_set", "test_set"),
        ("trainA", "testA"),
        ("train", "eval"),
        ("test", "dogs"),
        ("data/train/cat", "data/test/cat"),
        ("cat/train", "cat/test"),
        ("train_images", "Validation-Images"),
    ],
    ids=str,
)
def test_folders_named_like_splits_are_reported(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for name in folders:
        paint_many(tmp_path / name, 8)
    _, said = load(tmp_path)
    assert "are named like splits, but are used as classes: " in said


def test_class_names_that_only_contain_a_split_are_none(tmp_path: Path) -> None:
    for name in ("trainers", "strain", "greatest", "evaluator"):
        paint_many(tmp_path / name, 8)
    assert load(tmp_path)[1] == ""


def test_links_that_lead_nowhere_or_back(tmp_path: Path) -> None:
    paint_many(tmp_path / "a", 3)
    (tmp_path / "a" / "gone.png").symlink_to("nothing")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "self.png").symlink_to("self.png")
    data, said = load(tmp_path)
    assert len(data.train) + len(data.test) == 3
    assert "1 that link to files or folders used already: a/up" in said
    assert "a/gone.png" in said
    assert "a/self.png" in said


def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint_many(tmp_path, 3)
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        data, said = load(tmp_path)
    assert len(data.train) + len(data.test) == 3
    assert "2 that are not regular files: pipe.png, socket.png" in said


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_an_unreadable_folder_is_reported(tmp_path: Path) -> None:
    paint_many(tmp_path / "a", 2)
    paint_many(tmp_path / "b", 2)
    (tmp_path / "b").chmod(0)
    was = os.geteuid()
    above = [folder for folder in tmp_path.parents if folder.owner() == tmp_path.owner()]
    modes = {folder: folder.stat().st_mode for folder in above if len(folder.parts) > 2}
    try:
        if was == 0:  # for whom no permission counts
            for folder in (*modes, tmp_path):
                folder.chmod(0o755)
            os.seteuid(65534)
        found = folder_scan.find(tmp_path)
    finally:
        os.seteuid(was)
        (tmp_path / "b").chmod(0o755)
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert len(found.train.paths) == 2
    said = folder_scan.summary(tmp_path, found.left_out)
    assert said == "1 that cannot be opened (Permission denied): b"


def test_similar_class_folders_are_reported(tmp_path: Path) -> None:
    for name in ("Cat", "cat ", "dog"):
        paint_many(tmp_path / name, 3)
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system takes them for one")
    data, said = load(tmp_path)
    assert len(data.class_names) == 3
    assert "the class folders 'Cat' and 'cat '" in said


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    try:
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    paint_many(folder, 2)
    paint_many(tmp_path / "a", 2)
    (folder / "x.txt").touch()
    data, said = load(tmp_path)
    assert data.class_names == ("\\xff", "a")
    assert r"1 with the suffix .txt: \xff/x.txt" in said


def test_a_folder_with_nothing_to_read_says_what_it_holds(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.heic").write_bytes(b"x")
    problem = ImageFolder(path=str(tmp_path)).problem()
    assert problem is not None
    assert "contains no pictures" in problem
    assert "it contains 4 with the suffix .heic: 0.heic, 1.heic, 2.heic and 1 more" in problem


def test_the_nearest_existing_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    problem = ImageFolder(path="picturs/faces").problem()
    assert problem == (
        f"path: no such folder: {tmp_path}/picturs/faces (picturs/faces, from the working "
        f"directory); the nearest existing parent is {tmp_path}, which contains 'pictures'"
    )
    (tmp_path / "archive.zip").touch()
    assert "archive.zip is a file, not a folder" in str(
        ImageFolder(path=f"{tmp_path}/archive.zip").problem()
    )
    assert "cannot be used as a folder" in str(ImageFolder(path="~no_such_user/x").problem())
