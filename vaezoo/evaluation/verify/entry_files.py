"""Compare the files of an entry with its manifest and with each other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import VaezooError, ZooError
from vaezoo.evaluation import concluded
from vaezoo.evaluation.verify.verdict import Check, one_line
from vaezoo.registry.run_notes import of_the_run
from vaezoo.system.regular_file import read_regular
from vaezoo.zoo import Entry
from vaezoo.zoo.entry import CARD, HISTORY, MANIFEST, METRICS, SPEC, readable
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.records import metrics_text
from vaezoo.zoo.search import words_for

if TYPE_CHECKING:
    from vaezoo.registry import EpochRecord, ImageData, TargetResult
    from vaezoo.spec.spec import Spec

#: The size limit of a text file in bytes.
_LARGEST_TEXT = 4 * 10**6
_NUMBERS_OF_TARGETS = ("metric", "value", "tolerance", "source", "figure")


def sealed(entry: Entry) -> Iterator[Check]:
    """Whether the files match the manifest; a check for each that does not."""
    if entry.stands_alone:
        return
    if not os.path.lexists(entry.path / MANIFEST):
        yield _without_manifest(entry)
        return
    try:
        manifest = read_manifest(entry)
        changed = differences(entry, manifest)
    except ZooError as error:
        yield Check(MANIFEST, False, one_line(error))
        return
    yield from (Check(name, False, problem) for name, problem in changed.items())
    if not changed:
        yield Check(MANIFEST, True, f"{len(manifest.files)} files are unchanged")


def signed(entry: Entry, key: Path | None) -> Iterator[Check]:
    """Whether the owner of a public key signed the manifest."""
    from vaezoo.zoo.signing import SIGNATURE, check_signature, is_signed

    if key is None:
        with suppress(ZooError):  # another check reports an unreadable folder
            if is_signed(entry):
                yield Check(SIGNATURE, None, "give the publisher's public key with --key")
        return
    try:
        check_signature(entry, key)
    except ZooError as error:
        yield Check(SIGNATURE, False, one_line(error))
        return
    yield Check(SIGNATURE, True, f"all files are signed with the key of {key}")


def _without_manifest(entry: Entry) -> Check:
    try:
        is_sealed = entry.is_sealed
    except ZooError as error:
        return Check(MANIFEST, False, f"it is missing; {one_line(error)}")
    if is_sealed:
        return Check(MANIFEST, False, "it is missing, so files cannot be checked")
    hint = f"'vaezoo zoo migrate {words_for(entry)}' adds it"
    return Check(MANIFEST, None, f"the entry has an older format without it; {hint}")


def records(entry: Entry, spec: Spec, data: ImageData | None) -> Iterator[Check]:
    """Whether the other files are consistent with spec, figures and history."""
    if entry.stands_alone:
        return
    yield _readable_spec(entry)
    yield history(spec, entry.history)
    yield from _metrics(entry, spec)
    if data is not None and data.digest == entry.lock["dataset"]["digest"]:
        yield _trained_on(entry, data)
    yield from _card(entry)


def _readable_spec(entry: Entry) -> Check:
    """Compare spec.yaml with the spec in the header, which loading uses."""
    from vaezoo.spec.document import parse_document

    try:
        document, findings = parse_document(_text(entry, SPEC), SPEC)
    except ZooError as error:
        return Check(SPEC, False, f"it cannot be read: {one_line(error)}")
    same = not findings and document.data() == entry.spec_data
    return Check(SPEC, same, f"it {'matches' if same else 'differs from'} the weights file")


def history(spec: Spec, records: Sequence[EpochRecord]) -> Check:
    """Whether the number of epochs matches the spec, counted from 1."""
    from vaezoo.spec.early_stopping import outcome

    if [record.epoch for record in records] != list(range(1, len(records) + 1)):
        return Check(HISTORY, False, "its epochs do not count from 1")
    end = outcome(spec.train, records).over_after
    if end != len(records):
        after = "has more" if end is None else f"ends after {end}"
        return Check(HISTORY, False, f"it has {len(records)} epochs, the spec {after}")
    return Check(HISTORY, True, f"it has the {len(records)} epochs of the spec")


def _metrics(entry: Entry, spec: Spec) -> Iterator[Check]:
    """Whether targets and notes follow from the recorded figures."""
    recorded = entry.metrics
    try:
        targets, notes = concluded(spec, recorded.figures, entry.history)
        # records of earlier versions lack fields, which reading fills in
        whole = not entry.is_sealed or _text(entry, METRICS) == metrics_text(recorded)
    except VaezooError as error:
        yield Check("recorded targets", False, one_line(error))
        return
    keys = targets[0].keys() if entry.is_sealed and targets else _NUMBERS_OF_TARGETS
    same = whole and _only(keys, recorded.targets) == _only(keys, targets)
    yield Check("recorded targets", same, _follows("spec and figures", same))
    if is_of_this_version(entry):
        notes = (*notes, *of_the_run(recorded.notes))
        same = recorded.notes == notes
        would = "" if same else f"; they would be: {'; '.join(notes) or 'none'}"
        yield Check("notes", same, _follows("the figures", same) + would)


def _only(keys: Iterable[str], targets: Iterable[TargetResult]) -> list[dict[str, object]]:
    return [{key: dict(target).get(key) for key in keys} for target in targets]


def _follows(what: str, does: bool) -> str:
    return f"they follow from {what}" if does else f"they do not follow from {what}"


def _trained_on(entry: Entry, data: ImageData) -> Check:
    same = entry.metrics.test_is_trained_on == data.test_is_trained_on
    were = "" if data.test_is_trained_on else "not "
    return Check(
        "test images",
        same,
        f"the model was {were}trained on them{'' if same else f', {METRICS} says otherwise'}",
    )


def _card(entry: Entry) -> Iterator[Check]:
    """Whether the card matches, if this version of vaezoo wrote it."""
    from vaezoo.zoo.model_card import card

    if is_of_this_version(entry):
        try:
            same = _text(entry, CARD) == card(entry)
        except ZooError as error:
            yield Check(CARD, False, one_line(error))
            return
        yield Check(CARD, same, f"it {'matches' if same else 'contradicts'} the other files")


def is_of_this_version(entry: Entry) -> bool:
    """Whether this version of vaezoo wrote the texts; other versions word them differently."""
    if entry.stands_alone or not entry.is_sealed:
        return False
    return read_manifest(entry).vaezoo == metadata.version("vaezoo")


def _text(entry: Entry, name: str) -> str:
    return readable(
        entry.path / name,
        lambda path: read_regular(path, _LARGEST_TEXT, within=entry.path).decode("utf-8"),
    )
