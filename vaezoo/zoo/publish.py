"""Publish entries atomically, and keep the replaced ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.registry import EpochRecord, Figure, Metrics, TargetResult
from vaezoo.system import safetensors_io
from vaezoo.system.files import in_units, write_whole
from vaezoo.system.folders import refuse_link
from vaezoo.system.yaml_writer import resolved_text
from vaezoo.zoo import entry as layout
from vaezoo.zoo import header
from vaezoo.zoo.atomic_replace import replace, sync_folder
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.manifest import manifest_text
from vaezoo.zoo.model_card import card
from vaezoo.zoo.predecessors import kept_path
from vaezoo.zoo.records import history_text, metrics_text
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.write_lock import explained, open_for_writing, staged_entry
from vaezoo.zoo.zoo_folders import PREVIOUS, STAGING

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec

#: An entry with its staged copy takes a few megabytes; with less, other writes would fail.
_MIN_FREE_BYTES = 100 * 10**6


def publish(
    spec: Spec,
    model: VAE,
    *,
    lock: Mapping[str, Any],
    figures: Sequence[Figure],
    targets: Sequence[TargetResult] = (),
    history: Sequence[EpochRecord] = (),
    pictures: Mapping[str, Path | bytes] | None = None,
    notes: Sequence[str] = (),
    test_is_trained_on: bool = False,
    zoo: str | Path | None = None,
) -> Entry:
    """Write the entry ``spec.name``; an existing one is kept as a predecessor.

    The weights are written in the spec's number format: compute figures after ``round_weights``,
    so that they match the file. ``pictures`` maps file names to files or their bytes. ``zoo``
    defaults to ``$VAEZOO_ZOO`` or ``./zoo``. Raises ZooError (VZ503) and leaves the zoo unchanged
    if something cannot be written.
    """
    metrics = Metrics(tuple(figures), tuple(targets), tuple(notes), test_is_trained_on)
    folder = own_folder(zoo)
    with open_for_writing(folder), staged_entry(folder, spec.name) as staged:
        _write_weights(staged, spec, model, lock)
        write_text(staged / layout.SPEC, resolved_text(spec.canonical()))
        write_text(staged / layout.METRICS, metrics_text(metrics))
        write_text(staged / layout.HISTORY, history_text(history))
        _write_pictures(staged / layout.FIGURES, pictures or {})
        seal(Entry(staged, spec.name))
        replace(folder, spec.name, staged, kept_path(folder, spec.name), "publish")
    return Entry(folder / spec.name, spec.name)


def seal(staged: Entry) -> None:
    """Write the card and the manifest of a staged entry."""
    text = card(staged)
    write_text(staged.path / layout.MANIFEST, manifest_text(staged, {layout.CARD: text.encode()}))
    # The card is written last: a staged folder with a card is complete, see ``write_lock``.
    write_whole(staged.path / layout.CARD, text.encode())
    sync_folder(staged.path)


def keep_away(entry: Entry) -> None:
    """Move a renamed entry to the predecessors of its zoo. Raises ZooError (VZ503)."""
    folder = entry.path.parent
    with open_for_writing(folder):
        refuse_link(entry.path)
        os.rename(entry.path, kept_path(folder, entry.path.name))
        sync_folder(folder)


def writable(zoo: str | Path | None = None, name: str | None = None) -> Path:
    """The zoo folder, created if necessary, after cheap checks that it is writable.

    Raises ZooError (VZ503) if it cannot be written, its disk is nearly full, or the entry ``name``
    or one of vaezoo's folders is a link.
    """
    folder = own_folder(zoo)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for own in (STAGING, PREVIOUS, *([name] if name else [])):
            refuse_link(folder / own)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    if free < _MIN_FREE_BYTES:
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"the disk of the zoo {folder} has {in_units(free)} free",
                hint=f"free {in_units(_MIN_FREE_BYTES)}, or choose another folder with --zoo or "
                "VAEZOO_ZOO",
            )
        )
    return folder


def round_weights(model: VAE) -> None:
    """Round a model's weights to the values that it has after publishing and loading."""
    model.load_state_dict(safetensors_io.in_format(model.state_dict(), model.spec.publish.weights))


def _write_weights(staged: Path, spec: Spec, model: VAE, lock: Mapping[str, Any]) -> None:
    tensors = safetensors_io.in_format(model.state_dict(), spec.publish.weights)
    texts = {
        "format": header.FORMAT,
        "spec": _compact(spec.canonical()),
        "lock": _compact(dict(lock)),
        "digest": safetensors_io.digest(tensors),
    }
    safetensors_io.save(staged / layout.WEIGHTS, tensors, header.sealed(texts))


def _write_pictures(folder: Path, pictures: Mapping[str, Path | bytes]) -> None:
    folder.mkdir()
    for name, picture in pictures.items():
        # a qualified name, plugin:name, is not a valid file name on every system
        file_name = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".")
        data = picture if isinstance(picture, bytes) else picture.read_bytes()
        _write(folder / file_name, data)
    sync_folder(folder)


def write_text(path: Path, text: str) -> None:
    """Write a text file of an entry and sync it to disk."""
    _write(path, text.encode())


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _compact(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
