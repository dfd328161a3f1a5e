"""Upload an entry to a remote zoo: first a new revision, then the index that names it.

Files of a revision never change, and nobody reads them before the index names them. So a push that
is killed at any moment leaves the old entry or the new one, and the same push again completes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.remote.address import Address
from vaezoo.zoo.remote.fetch_entry import again_and_again
from vaezoo.zoo.remote.file_table import LARGEST_TABLE, FileTable, table_of
from vaezoo.zoo.remote.reader_lines import remote_card
from vaezoo.zoo.remote.remote_files import (
    ChangedMeanwhile,
    Missing,
    RemoteFiles,
    Unavailable,
    open_files,
    refused,
    unreachable,
)
from vaezoo.zoo.remote.transfer_progress import transfer_shown
from vaezoo.zoo.remote.zoo_index import (
    INDEX,
    LARGEST_INDEX,
    IndexRow,
    ZooIndex,
    read_index,
    row_of,
)

#: Attempts to replace the index while other pushes do so.
_ATTEMPTS = 10


@dataclass(frozen=True)
class Upload:
    """What a push would write, and what the zoo has under that name now."""

    entry: Entry
    files: RemoteFiles
    table: FileTable
    row: IndexRow
    replaced: IndexRow | None

    @property
    def zoo(self) -> Address:
        return self.files.address


def planned_upload(entry: Entry, zoo: Address, license_: str) -> Upload:
    """Check everything that can be checked without writing.

    Raises ZooError: (VZ509) for an entry or a zoo to which it cannot be pushed, (VZ507) for a zoo
    that cannot be read, (VZ508) for an index that must not be used.
    """
    files = open_files(zoo)
    if files.read_only:
        raise cannot_push(f"{zoo} cannot be written", files.read_only)
    _require_sealed(entry)
    try:
        table = table_of(entry)
        row = row_of(entry, table.revision, table.size, license_)
        before = _index(files)[0]
        before.with_row(entry.name, row)
    except ValueError as error:
        raise cannot_push(
            f"{entry.name} cannot be pushed: {error}", "rename it in its spec"
        ) from None
    except Unavailable as error:
        raise unreachable(zoo, error) from None
    return Upload(entry, files, table, row, before.entries.get(entry.name))


def upload(plan: Upload) -> None:
    """Write the revision, then the index, then the card.

    Other pushes to the zoo may run at the same time. On S3, the hub and ``file://`` none is lost;
    elsewhere the index is compared just before it is replaced, and read again afterwards.

    Raises ZooError: (VZ509) if another push replaced the entry meanwhile, (VZ507) if the zoo
    cannot be written.
    """
    try:
        if not _is_there(plan):
            _write_revision(plan)
        _switch_index(plan)
        card = remote_card(plan.entry, plan.zoo, plan.row)
        plan.files.write({f"{plan.entry.name}/README.md": card.encode()})
    except Unavailable as error:
        hint = f"{error.advice or 'check the address and the network'}; the same push again goes on"
        message = f"cannot write to {plan.zoo}: {error.reason}"
        raise ZooError(Diagnostic("VZ507", message, hint=hint)) from None


def cannot_push(message: str, hint: str) -> ZooError:
    """The error (VZ509) for an entry that cannot be pushed."""
    return ZooError(Diagnostic("VZ509", message, hint=hint))


def _require_sealed(entry: Entry) -> None:
    name = entry.name
    if entry.stands_alone:
        raise cannot_push(f"{entry.path} is a weights file alone", "push the folder of an entry")
    if not entry.is_sealed:
        hint = f"'vaezoo zoo migrate {name}' updates it"
        raise cannot_push(f"{name} has an older format, without digests", hint)
    changed = differences(entry, read_manifest(entry))
    if changed:
        one, problem = next(iter(changed.items()))
        hint = "train it again, or restore it with 'vaezoo zoo restore'"
        raise cannot_push(f"{one} of {name} was changed after publishing: {problem}", hint)


def _is_there(plan: Upload) -> bool:
    """Whether the revision was uploaded before; its list of files is written last."""
    try:
        path = f"{plan.entry.name}/{plan.table.revision}.json"
        return plan.files.read(path, LARGEST_TABLE) == plan.table.text
    except Missing:
        return False


def _write_revision(plan: Upload) -> None:
    name, table = plan.entry.name, plan.table
    content: Mapping[str, Path | bytes] = {
        f"{name}/{table.revision}/{one}": plan.entry.path / one for one in table.files
    }
    with transfer_shown(f"uploading {name}", table.size) as advance:
        plan.files.write(content, advance)
    if table_of(plan.entry).text != table.text:
        hint = "repeat the push to upload the new one"
        raise cannot_push(f"{name} was replaced while it was uploaded", hint)
    plan.files.write({f"{name}/{table.revision}.json": table.text})


def _switch_index(plan: Upload) -> None:
    """Put the row into the index, beside what other pushes have written meanwhile."""
    name, expected = plan.entry.name, plan.replaced
    for _ in range(_ATTEMPTS):
        index, before = _index(plan.files)
        now = index.entries.get(name)
        if now is not None and now.revision == plan.row.revision and _same(now, plan.row):
            return
        if now != expected:
            hint = (
                "look at it with 'vaezoo zoo list --zoo ADDRESS'; the same push again replaces it"
            )
            raise cannot_push(f"another push replaced {name} in {plan.zoo} meanwhile", hint)
        try:
            plan.files.switch(INDEX, index.with_row(name, plan.row).text(), before)
        except ChangedMeanwhile:
            continue
        except ValueError as error:
            raise cannot_push(f"{name} cannot be pushed: {error}", "rename it") from None
    raise cannot_push(f"other pushes keep changing {plan.zoo}", "repeat the push")


def _same(one: IndexRow, other: IndexRow) -> bool:
    """Whether two rows differ in nothing but earlier revisions."""
    return {**vars(one), "earlier": ()} == {**vars(other), "earlier": ()}


def _index(files: RemoteFiles) -> tuple[ZooIndex, bytes | None]:
    """The index of a zoo and its bytes; an empty one for a new zoo. Raises ZooError (VZ508)."""
    try:
        content = again_and_again(lambda: files.read(INDEX, LARGEST_INDEX))
    except Missing:
        return ZooIndex(), None
    try:
        return read_index(content), content
    except ValueError as error:
        raise refused(files.address, error) from None
