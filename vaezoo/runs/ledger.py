"""The record of a sweep's progress, in the folder of the sweep."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import Diagnostic, RunError, VaezooError, ZooError
from vaezoo.runs.run_folder import RUNS, run_folder
from vaezoo.spec.reader import Reading
from vaezoo.spec.spec import Spec
from vaezoo.system.files import write_whole

if TYPE_CHECKING:
    from vaezoo.zoo import Entry

#: Lists the members that train together.
_TOGETHER = "together.json"


@dataclass(frozen=True)
class MemberResult:
    """The result of a member's run: its entry, or its error."""

    spec: Spec
    values: Mapping[str, Any]
    entry: Entry | None = None
    error: VaezooError | None = None


@dataclass(frozen=True)
class Ledger:
    """Records which members a sweep has finished, until all are.

    A member counts as finished while the zoo has the entry that the sweep published.
    """

    folder: Path
    zoo: Path

    def entry(self, spec: Spec) -> Entry | None:
        """The member's entry if this sweep has finished it."""
        from vaezoo.zoo import Entry

        digest = self._read(self._path(spec.name)).get("digest")
        entry = Entry(self.zoo / spec.name, spec.name)
        try:
            is_same = digest == entry.header["digest"] and entry.spec_data == spec.canonical()
        except ZooError:  # removed or damaged since
            return None
        return entry if is_same else None

    def enter(self, entry: Entry) -> None:
        """Record a member as finished, in its own file: several may finish at the same time.

        Raises RunError (VZ503) where the file cannot be written.
        """
        self._write(self._path(entry.name), {"digest": entry.header["digest"]})

    def together(self) -> list[str]:
        """The members whose training together has not finished."""
        return list(self._read(self.folder / _TOGETHER).get("members", []))

    def enter_together(self, names: Sequence[str]) -> None:
        """Record which members train together."""
        self._write(self.folder / _TOGETHER, {"members": list(names)})

    def leave_together(self) -> None:
        """Remove that record: they are trained, or cannot train together."""
        # not together*: a member's own file may have such a name
        for path in (self.folder / _TOGETHER, *self.folder.glob("together-*.safetensors")):
            path.unlink(missing_ok=True)

    def close(self, results: Sequence[MemberResult]) -> None:
        """Remove the folder unless a member failed."""
        from vaezoo.training import remove_run_folder

        if not any(result.error for result in results):
            with contextlib.suppress(OSError):  # the entries are published; leftovers do no harm
                remove_run_folder(self.folder)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.finished"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # missing or damaged
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        try:
            write_whole(path, json.dumps(content, indent=1).encode())
        except OSError as error:
            message = f"cannot write {path}: {error.strerror}"
            hint = "free disk space and run the same command again"
            raise RunError(Diagnostic("VZ503", message, hint=hint)) from None


@contextmanager
def open_ledger(reading: Reading, zoo: str | Path | None, *, fresh: bool) -> Iterator[Ledger]:
    """The ledger of a file's members, locked; ``fresh`` removes all progress.

    Raises RunError (VZ606) where another process holds the lock, ZooError for a zoo that cannot
    be written.
    """
    from vaezoo.training import claimed
    from vaezoo.zoo.publish import writable

    ledger = Ledger(RUNS / f"{reading.resolved()['name']}-sweep", writable(zoo))
    with claimed(ledger.folder, fresh=fresh):
        if fresh:
            for member in reading.specs:
                with claimed(run_folder(member), fresh=True):
                    pass
        yield ledger
