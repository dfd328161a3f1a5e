"""``repair``: compute safe repairs of specs in memory, before anything is written.

Safe repairs: a misspelled key or name with only one possible correction, a format version that
is not an integer, and sections out of order. Nothing else in a file changes.
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
#: One repair can reveal the next, such as a base that is now found.
MAX_ROUNDS = 20


@dataclass(frozen=True)
class Repair:
    """One file before and after; ``changes`` lists the repairs."""

    path: Path
    before: bytes
    after: bytes
    changes: tuple[str, ...]

    def diff(self) -> str:
        """The change as a unified diff for ``patch -p0``."""
        return unified(self.path, self.before, self.after)

    def write(self) -> None:
        """Write the file atomically.

        Raises ZooError (VZ503) if writing fails or the file has changed since it was read.
        """
        try:
            if self.path.read_bytes() != self.before:
                raise OSError("it has changed since it was read")
            write_output(self.path, self.after)
        except OSError as error:
            message = f"cannot write {self.path}: {error.strerror or error}"
            raise ZooError(Diagnostic("VZ503", message)) from None


def repair(
    paths: PathLike | Iterable[PathLike], *, registry: Registry | None = None
) -> tuple[Repair, ...]:
    """Compute the repairs of the specs under ``paths``: files, folders or globs.

    >>> for one in vaezoo.repair("specs"):
    ...     print(one.diff())
    ...     one.write()

    Only ``write`` writes a file. Bases that are not under ``paths`` and files that are not valid
    YAML stay unchanged.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    session = _Session(registry or discover())
    for path in several:
        for file in find_specs(os.fspath(path)).files:
            session.take(file)
    session.work()
    return tuple(session.repairs())


class _Session:
    """Files in memory, repaired in rounds until nothing changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._files: dict[str, str] = {}  # given paths, by real path
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}
        self._changes: dict[str, list[str]] = {}

    def take(self, file: str) -> None:
        """Load a file; skip one that cannot be parsed, which ``validate`` reports."""
        try:
            content = read_bytes(file)
            if _read(EditableText.from_bytes(content), file) is None:
                return
        except (SpecError, UnicodeDecodeError):
            return
        real = os.path.realpath(file)
        self._files.setdefault(real, str(Path(file)))  # the name in findings
        self._before[real] = self._now[real] = content

    def work(self) -> None:
        """Apply all repairs."""
        waiting = list(self._files)
        for _ in range(MAX_ROUNDS):
            changed = [real for real in waiting if self._spell(real)]
            if not changed:
                break
            waiting = list(self._files)  # specs that extend a changed file may have new repairs
        for real in self._files:
            self._sort(real)

    def repairs(self) -> Iterable[Repair]:
        """The files that have changed."""
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
            if _parses_to(changed, own.source, _corrected(own, found)):
                self._accept(real, changed, map(str, found))
                return True
            found.pop()  # YAML may parse one of them differently
        return False

    def _sort(self, real: str) -> None:
        source = EditableText.from_bytes(self._now[real])
        own = _read(source, self._files[real])
        changed = in_order(source, own) if own else None
        if own and changed and _parses_to(changed, own.source, own.data()):
            self._accept(real, changed, ["keys in order"])

    def _accept(self, real: str, source: EditableText, changes: Iterable[str]) -> None:
        self._now[real] = source.to_bytes()
        self._changes.setdefault(real, []).extend(changes)


def _read(source: EditableText, file: str) -> Document | None:
    """Parse the text; None if its YAML has findings."""
    try:
        document, findings = parse_document(source.text, file)
    except SpecError:
        return None
    return None if findings else document


def _parses_to(source: EditableText, file: str, wanted: object) -> bool:
    """Whether an edited text parses to exactly the data wanted."""
    document = _read(source, file)
    return document is not None and document.data() == wanted


def _corrected(own: Document, found: Iterable[Correction]) -> object:
    """The data after all corrections, innermost first, because paths hold the old keys."""
    data = own.data()
    steps = [(len(path), not one.is_key, path, one) for one in found for path in one.paths]
    for _, _, path, one in sorted(steps, key=lambda step: step[:2], reverse=True):
        data = one.applied(data, path)
    return data
