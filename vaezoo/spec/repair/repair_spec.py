"""``repair``: what is safe to put right in specs, worked out in memory before anything is written.

Safe are: a key or a name that is misspelt and can only be one other, a format version that is
not written as a number, and sections out of order. A file is edited in these places alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, SpecError, ZooError
from vaezoo.registry import Registry, discover
from vaezoo.spec.document import parse_document, read_bytes
from vaezoo.spec.find_specs import find_specs
from vaezoo.spec.nodes import Document
from vaezoo.spec.reader import examine
from vaezoo.spec.repair.edits import EditableText
from vaezoo.spec.repair.reorder import in_order
from vaezoo.spec.repair.spelling import Correction, corrections
from vaezoo.spec.repair.unified_diff import unified
from vaezoo.system.files import write_output

PathLike = str | os.PathLike[str]
#: One repair can bring out the next: a base that is now found, a component that is now known.
MOST_ROUNDS = 20


@dataclass(frozen=True)
class Repair:
    """One file as it is and as it should be; ``changes`` says what was done, in a few words."""

    path: Path
    before: bytes
    after: bytes
    changes: tuple[str, ...]

    def diff(self) -> str:
        """The change as a unified diff, which ``patch -p0`` takes."""
        return unified(self.path, self.before, self.after)

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises ZooError (VZ503) where that fails, or the file has changed meanwhile.
        """
        try:
            if self.path.read_bytes() != self.before:
                raise OSError("it has changed meanwhile")
            write_output(self.path, self.after)
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror or error}"
            raise ZooError(Diagnostic("VZ503", message)) from None


def repair(
    paths: PathLike | Iterable[PathLike], *, registry: Registry | None = None
) -> tuple[Repair, ...]:
    """What can be put right in the specs under ``paths``: files, folders or globs.

    >>> for one in vaezoo.repair("specs"):
    ...     print(one.diff())
    ...     one.write()

    Nothing is written but by ``write``. A base that is not under ``paths`` is left as it is, and
    so is a file that cannot be read as YAML.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    bench = _Bench(registry or discover())
    for path in several:
        for file in find_specs(os.fspath(path)).files:
            bench.take(file)
    bench.work()
    return tuple(bench.repairs())


class _Bench:
    """Files in memory, repaired in rounds until nothing more comes of it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._files: dict[str, str] = {}  # the name that was given, by real path
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}
        self._changes: dict[str, list[str]] = {}

    def take(self, file: str) -> None:
        """Read a file, if it can be read; ``validate`` says what is wrong with one that cannot."""
        try:
            content = read_bytes(file)
            if _read(EditableText.from_bytes(content), file) is None:
                return
        except (SpecError, UnicodeDecodeError):
            return
        real = os.path.realpath(file)
        self._files.setdefault(real, str(Path(file)))  # as findings call it
        self._before[real] = self._now[real] = content

    def work(self) -> None:
        """Put everything right that can be."""
        waiting = list(self._files)
        for _ in range(MOST_ROUNDS):
            changed = [real for real in waiting if self._spell(real)]
            if not changed:
                break
            waiting = list(self._files)  # what extends a changed file may show more now
        for real in self._files:
            self._sort(real)

    def repairs(self) -> Iterable[Repair]:
        """The files that are not what they were."""
        for real, file in self._files.items():
            if self._now[real] != self._before[real]:
                changes = tuple(self._changes[real])
                yield Repair(Path(file), self._before[real], self._now[real], changes)

    def _spell(self, real: str) -> bool:
        source = EditableText.from_bytes(self._now[real])
        own = _read(source, self._files[real])
        if own is None:
            return False
        reading = examine(self._files[real], registry=self._registry, texts=self._now)
        found = corrections(reading, own, source, self._registry)
        while found:
            changed = source.edited(one.edit for one in found)
            if _says(changed, own.source, _corrected(own, found)):
                self._take_over(real, changed, map(str, found))
                return True
            found.pop()  # of several, one may be what YAML reads differently
        return False

    def _sort(self, real: str) -> None:
        source = EditableText.from_bytes(self._now[real])
        own = _read(source, self._files[real])
        changed = in_order(source, own) if own else None
        if own and changed and _says(changed, own.source, own.data()):
            self._take_over(real, changed, ["keys in order"])

    def _take_over(self, real: str, source: EditableText, changes: Iterable[str]) -> None:
        self._now[real] = source.to_bytes()
        self._changes.setdefault(real, []).extend(changes)


def _read(source: EditableText, file: str) -> Document | None:
    """The text as a document, if there is nothing wrong with its YAML."""
    try:
        document, findings = parse_document(source.text, file)
    except SpecError:
        return None
    return None if findings else document


def _says(source: EditableText, file: str, wanted: object) -> bool:
    """Whether an edited text says what it should and nothing else."""
    document = _read(source, file)
    return document is not None and document.data() == wanted


def _corrected(own: Document, found: Iterable[Correction]) -> object:
    """The data once all is put right: from the inside, since paths hold the keys as they were."""
    data = own.data()
    steps = [(len(path), not one.is_key, path, one) for one in found for path in one.paths]
    for _, _, path, one in sorted(steps, key=lambda step: step[:2], reverse=True):
        data = one.applied(data, path)
    return data
