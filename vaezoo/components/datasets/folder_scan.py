"""What lies in a folder of pictures: the pictures, their classes and splits, and the rest."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vaezoo.components.datasets.image_data import data_error

#: endings of the files that are read as pictures, in lower case
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("apng", "avif", "bmp", "dib", "gif", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "jpx"),
        *("pbm", "pcx", "pfm", "pgm", "png", "pnm", "ppm", "qoi", "sgi", "tga", "tif", "tiff"),
        "webp",
    )
)
#: names of folders that hold a split, in lower case
TRAIN, TEST = frozenset({"train", "training"}), frozenset({"test", "testing"})
VALIDATION = frozenset({"val", "valid", "validation"})
_FIRST = 3


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that is not used: ``reason`` reads on from a number, as in "3 hidden"."""

    reason: str
    path: Path


@dataclass(frozen=True)
class Part:
    """Pictures in a fixed order, and the class folder of each where there are class folders."""

    paths: tuple[Path, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class FolderContents:
    """The pictures of a folder; ``test`` is None where it has no folder for a test split."""

    train: Part
    test: Part | None
    left_out: tuple[LeftOut, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of both splits, sorted."""
        parts = (self.train, self.test)
        return tuple(sorted({name for part in parts if part for name in part.classes or ()}))


def walk(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path | LeftOut]:
    """Every picture file below a folder, and whatever else lies there, in any order.

    Links are followed. Only regular files are ever opened, so that a pipe cannot hang a run.
    """
    above = above | {os.path.realpath(folder)}
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError as error:
        yield LeftOut(f"that cannot be opened ({error.strerror})", folder)
        return
    for name in names:
        path = folder / name
        if name.startswith("."):
            yield LeftOut("hidden", path)
            continue
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield LeftOut(f"that cannot be followed ({error.strerror})", path)
            continue
        if stat.S_ISDIR(mode):
            if os.path.realpath(path) in above:
                yield LeftOut("that lead back to a folder above", path)
            else:
                yield from walk(path, above)
        elif not stat.S_ISREG(mode):
            yield LeftOut("that are no regular files", path)
        elif path.suffix.lower() not in SUFFIXES:
            ending = path.suffix.lower()
            yield LeftOut(f"ending in {ending}" if ending else "without an ending", path)
        else:
            yield path


def find(folder: Path) -> FolderContents:
    """The pictures of a folder, by splits and classes.

    Folders called train and test at its top are splits. Raises DataError where pictures lie both
    beside and inside of class folders, and where only one split has class folders.
    """
    pictures: list[Path] = []
    left_out: list[LeftOut] = []
    for one in walk(folder):
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            pictures.append(one)
    # by their path below the folder, and so alike on every machine
    pictures.sort(key=lambda path: path.relative_to(folder).parts)
    tops = _tops(folder, pictures)
    train, test = _named(tops, TRAIN), _named(tops, TEST)
    held_out = _named(tops, VALIDATION)
    others = tops - train - test - held_out
    tested = test or held_out
    if not train or (others and not tested):
        return FolderContents(
            _part(folder, pictures), None, (*left_out, *_empty([folder], pictures, left_out))
        )
    unused = others | (held_out - tested)
    left_out += [
        LeftOut("in a folder that is no split" if top in others else _HELD_OUT, path)
        for path in pictures
        if (top := _top(folder, path)) in unused
    ]
    loose = [path for path in pictures if path.parent == folder]
    if loose:
        raise data_error(
            f"{folder} holds {_counted(loose)} beside the folders of its splits",
            f"move them into {sorted(train)[0]} or out of the folder",
        )
    parts = [_of_splits(folder, pictures, names) for names in (train, tested)]
    used = [folder / name for name in (*train, *tested)]
    found = FolderContents(
        parts[0],
        parts[1] if parts[1].paths else None,
        (*left_out, *_empty([folder, *used], pictures, left_out)),
    )
    _refuse_classes_in_one(folder, found)
    return found


_HELD_OUT = "in a validation folder (train.validation holds out training images)"


def summary(folder: Path, left_out: Iterable[LeftOut]) -> str:
    """What was left out, by reason: counts and the first names. Empty where nothing was."""
    by_reason: dict[str, list[str]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, []).append(readable(one.path.relative_to(folder)))
    return "; ".join(
        f"{len(names):,} {reason}: {first_of(sorted(names))}" for reason, names in by_reason.items()
    )


def first_of(names: list[str], count: int = _FIRST) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - count:,} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def readable(path: Path | str) -> str:
    """A path as text that can be printed, whatever bytes it is made of."""
    text = path.as_posix() if isinstance(path, Path) else path
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def look_alikes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of class names that differ in case, blanks or Unicode form alone."""
    seen: dict[str, str] = {}
    pairs = []
    for name in names:
        folded = "".join(unicodedata.normalize("NFKC", name).casefold().split())
        if folded in seen:
            pairs.append((seen[folded], name))
        seen.setdefault(folded, name)
    return pairs


def _top(folder: Path, path: Path) -> str:
    return path.relative_to(folder).parts[0]


def _tops(folder: Path, pictures: Iterable[Path]) -> frozenset[str]:
    """The folders at the top that hold pictures, at any depth."""
    return frozenset(_top(folder, path) for path in pictures if path.parent != folder)


def _named(tops: frozenset[str], names: frozenset[str]) -> frozenset[str]:
    return frozenset(top for top in tops if top.casefold() in names)


def _of_splits(folder: Path, pictures: list[Path], names: frozenset[str]) -> Part:
    """The pictures below several folders of one split, such as train and Train."""
    parts = [
        _part(folder / name, [path for path in pictures if _top(folder, path) == name])
        for name in sorted(names)
    ]
    if len({part.classes is None for part in parts}) > 1:
        raise data_error(
            f"of the folders {' and '.join(sorted(names))} in {folder}, only one has class folders",
            "give both class folders, or neither",
        )
    paths = tuple(path for part in parts for path in part.paths)
    labelled = bool(parts) and parts[0].classes is not None
    classes = tuple(name for part in parts for name in part.classes or ())
    return Part(paths, classes if labelled else None)


def _part(base: Path, paths: list[Path]) -> Part:
    """Pictures below a folder whose subfolders, if they hold any, are classes."""
    loose = [path for path in paths if path.parent == base]
    if len(loose) == len(paths):
        return Part(tuple(paths), None)
    if loose:
        raise data_error(
            f"{base} holds pictures both beside and inside class folders: {_counted(loose)} "
            f"beside them, such as {readable(loose[0].name)}, and {len(paths) - len(loose):,} "
            "inside",
            "move every picture into a subfolder, or all of them out",
        )
    return Part(tuple(paths), tuple(readable(_top(base, path)) for path in paths))


def _empty(bases: list[Path], pictures: list[Path], left_out: list[LeftOut]) -> Iterator[LeftOut]:
    """Folders in which a class is expected and no picture is, unless that was told already."""
    told = {one.path for one in left_out}
    holding = {parent for path in pictures for parent in path.parents}
    for base in bases:
        for path in sorted(base.iterdir()):
            hidden = path.name.startswith(".") or path in told
            if not hidden and path.is_dir() and path not in holding:
                yield LeftOut("without pictures", path)


def _refuse_classes_in_one(folder: Path, found: FolderContents) -> None:
    if found.test and (found.train.classes is None) != (found.test.classes is None):
        one = "the test" if found.train.classes is None else "the training"
        raise data_error(
            f"in {folder}, only {one} split has class folders",
            "give both splits class folders, or neither",
        )


def _counted(paths: list[Path]) -> str:
    return f"{len(paths):,} picture{'s'[: len(paths) != 1]}"
