"""Changing an entry as someone would who wants it to look right: with its seals made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaezoo.system import safetensors_io
from vaezoo.zoo.entry import CARD, MANIFEST, METRICS, WEIGHTS, Entry
from vaezoo.zoo.header import sealed
from vaezoo.zoo.manifest import manifest_text

Change = Callable[[Any], object]


def rewrite_header(folder: Path, **changes: Change) -> None:
    """Change spec or lock in the header of the weights file, which keeps its tensors."""
    tensors, texts = safetensors_io.load(folder / WEIGHTS)
    for key, change in changes.items():
        data = json.loads(texts[key])
        change(data)
        texts[key] = json.dumps(data)
    safetensors_io.save(folder / WEIGHTS, tensors, sealed(texts))
    reseal(folder)


def rewrite_json(folder: Path, change: Change, name: str = METRICS) -> None:
    """Change a JSON file of an entry, which stays in the form that vaezoo writes."""
    data = json.loads((folder / name).read_text("utf-8"))
    change(data)
    (folder / name).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    reseal(folder)


def rewrite_figures(folder: Path, **values: float) -> None:
    """Set recorded figures of an entry to other values."""

    def change(data: Any) -> None:
        for figure in data["figures"]:
            figure["value"] = values.get(figure["name"], figure["value"])

    rewrite_json(folder, change)


def reseal(folder: Path) -> None:
    """Write the manifest for the files as they are."""
    (folder / MANIFEST).unlink(missing_ok=True)
    entry = Entry(folder, folder.name)
    card = (folder / CARD).read_bytes() if (folder / CARD).is_file() else b""
    text = manifest_text(entry, {CARD: card})
    (folder / MANIFEST).write_text(text, "utf-8")
