"""Scan a folder of pictures: pictures, classes, splits, and files that are not used."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vaezoo.components.datasets.image_data import data_error

#: suffixes of picture files, in lower case
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("apng", "avif", "bmp", "dib", "gif", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "jpx"),
        *("pbm", "pcx", "pfm", "pgm", "png", "pnm", "ppm", "qoi", "sgi", "tga", "tif", "tiff"),
        "webp",
    )
)
#: names of split folders, in lower case
TRAIN, TEST = frozenset({"train", "training"}), frozenset({"test", "testing"})
VALIDATION = frozenset({"val", "valid", "validation"})
_FIRST = 3


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that is not used; ``reason`` continues a number, as in "3 hidden"."""

    reason: str
    path: Path


@dataclass(frozen=True)
class Part:
    """Pictures in a fixed order, and the class folder of each, if there are class folders."""

    paths: tuple[Path, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class FolderContents:
    """The pictures of a folder; ``test`` is None if it has no test folder."""

    train: Part
    test: Part | None
    left_out: tuple[LeftOut, ...]
    like_splits: tuple[str, ...] = ()  # folders named like splits that are not splits

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of both splits, sorted."""
        parts = (self.train, self.test)
        return tuple(sorted({name for part in parts if part for name in part.classes or ()}))


def walk(folder: Path) -> Iterator[Path | LeftOut]:
    """All picture files below a folder, and everything else as ``LeftOut``, in any order.

    Follows links, each after what is not a link, and only to what is not used already. Accepts
    only regular files, so that a pipe cannot block a run.
    """
    waiting, links = [folder], list[Path]()
    used: set[tuple[int, int]] = set()
    linked = False  # whether paths are now reached through links
    while waiting or links:
        if not waiting:
            linked = True
            waiting.append(min(links))
            links.remove(waiting[0])
        path = waiting.pop()
        try:
            status = path.stat()
        except OSError as error:
            yield LeftOut(f"that cannot be read ({error.strerror})", path)
            continue
        if linked and _identity(status) in used:
            yield LeftOut("that link to files or folders used already", path)
            continue
        used.add(_identity(status))
        if not stat.S_ISDIR(status.st_mode):
            yield _picture(path, status)
            continue
        try:
            with os.scandir(path) as entries:
                inside = [(Path(entry.path), entry.is_symlink()) for entry in entries]
        except OSError as error:
            yield LeftOut(f"that cannot be opened ({error.strerror})", path)
            continue
        for one, is_linked in inside:
            if one.name.startswith("."):
                yield LeftOut("hidden", one)
            else:
                (links if is_linked else waiting).append(one)


def _identity(status: os.stat_result) -> tuple[int, int]:
    """The device and number of a file, the same through every link."""
    return status.st_dev, status.st_ino


def _picture(path: Path, status: os.stat_result) -> Path | LeftOut:
    if not stat.S_ISREG(status.st_mode):
        return LeftOut("that are not regular files", path)
    if path.suffix.lower() not in SUFFIXES:
        ending = path.suffix.lower()
        return LeftOut(f"with the suffix {ending}" if ending else "without a suffix", path)
    return path


def find(folder: Path) -> FolderContents:
    """The pictures of a folder by split and class.

    Top-level folders called train and test are splits. Raises DataError if pictures are both next
    to and inside class folders, or if only one split has class folders.
    """
    pictures: list[Path] = []
    left_out: list[LeftOut] = []
    for one in walk(folder):
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            pictures.append(one)
    # by relative path, for the same order on every machine
    pictures.sort(key=lambda path: path.relative_to(folder).parts)
    tops = _tops(folder, pictures)
    train, test = _named(tops, TRAIN), _named(tops, TEST)
    held_out = _named(tops, VALIDATION)
    others = tops - train - test - held_out
    tested = test or held_out
    if not train or (others and not tested):
        return FolderContents(
            _part(folder, pictures),
            None,
            (*left_out, *_empty([folder], pictures, left_out)),
            _like_splits(folder, pictures, frozenset()),
        )
    unused = others | (held_out - tested)
    left_out += [
        LeftOut("in a folder that is not a split" if top in others else _VALIDATION_FOLDER, path)
        for path in pictures
        if (top := _top(folder, path)) in unused
    ]
    loose = [path for path in pictures if path.parent == folder]
    if loose:
        raise data_error(
            f"{folder} has {_counted(loose)} next to its split folders",
            f"move them into {sorted(train)[0]} or out of the folder",
        )
    parts = [_of_splits(folder, pictures, names) for names in (train, tested)]
    used = [folder / name for name in (*train, *tested)]
    found = FolderContents(
        parts[0],
        parts[1] if parts[1].paths else None,
        (*left_out, *_empty([folder, *used], pictures, left_out)),
        _like_splits(folder, pictures, train | test | held_out),
    )
    _require_same_classes(folder, found)
    return found


def _like_splits(folder: Path, pictures: Iterable[Path], splits: frozenset[str]) -> tuple[str, ...]:
    """The folders named like splits below ``folder`` that are not splits, sorted."""
    found = set()
    for parts in {path.relative_to(folder).parts[:-1] for path in pictures}:
        for depth, name in enumerate(parts):
            if (depth or name not in splits) and _SPLIT_WORDS & set(_words(name)):
                found.add("/".join(map(readable, parts[: depth + 1])))
                break
    return tuple(sorted(found))


def _words(name: str) -> list[str]:
    """The words of a name in lower case: train and b of trainB, test and set of test_set."""
    return [word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]


_SPLIT_WORDS = TRAIN | TEST | VALIDATION | {"eval", "evaluation"}
_VALIDATION_FOLDER = "in a validation folder (use train.validation to hold out training images)"


def summary(folder: Path, left_out: Iterable[LeftOut]) -> str:
    """The files that are not used, by reason, with counts and the first names; may be empty."""
    by_reason: dict[str, list[str]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, []).append(readable(one.path.relative_to(folder)))
    return "; ".join(
        f"{len(by_reason[reason]):,} {reason}: {first_of(sorted(by_reason[reason]))}"
        for reason in sorted(by_reason)
    )


def first_of(names: list[str], count: int = _FIRST) -> str:
    """The first names, and the number of the others."""
    more = f" and {len(names) - count:,} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def readable(path: Path | str) -> str:
    """A path as printable text, even if it is not valid UTF-8."""
    text = path.as_posix() if isinstance(path, Path) else path
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def look_alikes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of class names that differ only in case, blanks or Unicode form."""
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
    """The top-level folders with pictures at any depth."""
    return frozenset(_top(folder, path) for path in pictures if path.parent != folder)


def _named(tops: frozenset[str], names: frozenset[str]) -> frozenset[str]:
    return frozenset(top for top in tops if top.casefold() in names)


def _of_splits(folder: Path, pictures: list[Path], names: frozenset[str]) -> Part:
    """The pictures of one split in several folders, such as train and Train."""
    parts = [
        _part(folder / name, [path for path in pictures if _top(folder, path) == name])
        for name in sorted(names)
    ]
    if len({part.classes is None for part in parts}) > 1:
        raise data_error(
            f"only one of the folders {' and '.join(sorted(names))} in {folder} has class folders",
            "add class folders to both, or to neither",
        )
    paths = tuple(path for part in parts for path in part.paths)
    labelled = bool(parts) and parts[0].classes is not None
    classes = tuple(name for part in parts for name in part.classes or ())
    return Part(paths, classes if labelled else None)


def _part(base: Path, paths: list[Path]) -> Part:
    """The pictures below a folder, with its subfolders as classes."""
    loose = [path for path in paths if path.parent == base]
    if len(loose) == len(paths):
        return Part(tuple(paths), None)
    if loose:
        raise data_error(
            f"{base} has pictures both next to and inside class folders: {_counted(loose)} "
            f"next to them, such as {readable(loose[0].name)}, and {len(paths) - len(loose):,} "
            "inside",
            "move every picture into a subfolder, or all of them out",
        )
    return Part(tuple(paths), tuple(readable(_top(base, path)) for path in paths))


def _empty(bases: list[Path], pictures: list[Path], left_out: list[LeftOut]) -> Iterator[LeftOut]:
    """Class folders without pictures that are not in ``left_out``."""
    reported = {one.path for one in left_out}
    filled = {parent for path in pictures for parent in path.parents}
    for base in bases:
        for path in sorted(base.iterdir()):
            hidden = path.name.startswith(".") or path in reported
            if not hidden and path.is_dir() and path not in filled:
                yield LeftOut("without pictures", path)


def _require_same_classes(folder: Path, found: FolderContents) -> None:
    if found.test and (found.train.classes is None) != (found.test.classes is None):
        one = "the test" if found.train.classes is None else "the training"
        raise data_error(
            f"in {folder}, only {one} split has class folders",
            "add class folders to both splits, or to neither",
        )


def _counted(paths: list[Path]) -> str:
    return f"{len(paths):,} picture{'s'[: len(paths) != 1]}"
