"""``push``: verify an entry and upload it to a remote zoo, as ``vaezoo push`` does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError
from vaezoo.evaluation.evaluate_entry import Advance, Announce
from vaezoo.evaluation.verify import Verdict, verify
from vaezoo.registry import Registry
from vaezoo.spec.spec import LICENSE_PATTERN
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.remote.reader_lines import bibtex, reader_line
from vaezoo.zoo.remote.resolve import remote_zoo
from vaezoo.zoo.remote.upload_entry import Upload, cannot_push, planned_upload, upload
from vaezoo.zoo.search import find, words_for


@dataclass(frozen=True)
class Push:
    """A push: its files with their sizes in bytes, and what readers need."""

    name: str
    address: str
    revision: str
    license: str
    files: dict[str, int]
    replaced: str | None
    reader_line: str
    bibtex: str


def push(
    name: str | Path,
    address: str,
    *,
    license: str | None = None,
    dry_run: bool = False,
    samples: int | None = None,
    zoo: str | Path | None = None,
    device: str = "cpu",
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
    announce: Announce = lambda metric, examples: None,
    advance: Advance = lambda examples: None,
    confirm: Callable[[Push], object] = lambda push: None,
) -> Push:
    """Upload an entry to a remote zoo: ``vaezoo.push("mine", "s3://bucket/zoo", license="mit")``.

    ``address`` is that of a zoo or its short name. The entry is verified first, as ``verify`` does
    with ``samples`` and ``overrides``. ``license`` is necessary if the spec has none. ``confirm``
    is called with the push before anything is written. ``dry_run`` writes nothing.

    Raises UsageError (VZ501) for an unknown entry, (VZ509) without a license, (VZ510) for an
    address that cannot be used; ZooError (VZ509) for an entry that fails verification or a zoo that
    can only be read, (VZ507) for a zoo that cannot be reached, (VZ508) for one whose index must not
    be used.
    """
    to = remote_zoo(address)
    if to is None:
        hint = "write an address such as s3://bucket/zoo, or a name of 'vaezoo zoo remotes'"
        raise UsageError(Diagnostic("VZ510", f"{address} is not the address of a zoo", hint=hint))
    entry = find(name, zoo=zoo)
    plan = planned_upload(entry, to, chosen_license(entry, license))
    verdict = verify(
        entry.path,
        samples=samples,
        device=device,
        registry=registry,
        overrides=overrides,
        announce=announce,
        advance=advance,
    )
    _require_passed(verdict, entry)
    made = _described(plan)
    confirm(made)
    if not dry_run:
        upload(plan)
    return made


def chosen_license(entry: Entry, given: str | None) -> str:
    """The license of an entry: that of its spec, or the given one.

    Raises UsageError (VZ509) if there is none, or the two differ.
    """
    own = entry.spec_data.get("publish", {}).get("license")
    if given is not None and not re.fullmatch(LICENSE_PATTERN, given):
        raise _license_error(f"{given!r} is not the name of a license", "write mit or cc-by-4.0")
    if own and given and own.casefold() != given.casefold():
        hint = "omit --license, or change publish.license in the spec and migrate the entry"
        raise _license_error(f"the spec of {entry.name} has the license {own}, not {given}", hint)
    if not own and not given:
        hint = "choose one with --license, such as mit or cc-by-4.0"
        raise _license_error(f"the spec of {entry.name} names no license", hint)
    return str(own or given)


def _require_passed(verdict: Verdict, entry: Entry) -> None:
    failed = [check for check in verdict.checks if check.passed is False]
    if failed:
        raise cannot_push(
            f"{entry.name} was not pushed, since it fails verification: "
            f"{failed[0].what}: {failed[0].detail}",
            f"'vaezoo verify {words_for(entry)}' shows all checks",
        )


def _described(plan: Upload) -> Push:
    name, row = plan.entry.name, plan.row
    return Push(
        name,
        plan.zoo.entry(name),
        row.revision,
        row.license,
        {one: file.bytes for one, file in plan.table.files.items()},
        plan.replaced.revision if plan.replaced else None,
        reader_line(plan.zoo, name),
        bibtex(plan.zoo, name, row),
    )


def _license_error(message: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("VZ509", message, hint=hint))
