"""Sections that the reports of one and of two entries share."""

from __future__ import annotations

import hashlib
import io
import math
import re
import shlex
from collections.abc import Sequence
from typing import Any

from PIL import Image

from vaezoo.reports.blocks import (
    Block,
    Bullets,
    Math,
    Notice,
    Picture,
    Prose,
    Side,
    Table,
    plain,
    prose,
)
from vaezoo.reports.layer_table import compact, layers_of
from vaezoo.reports.shortest_spec import essential
from vaezoo.reports.subject import Subject
from vaezoo.system.yaml_writer import to_yaml
from vaezoo.zoo.model_card import duration
from vaezoo.zoo.search import words_for

SCATTER = {"points": 5000}
RECONSTRUCTIONS = {"n": 6, "bands": 1}
SAMPLES = {"n": 30, "columns": 10}
TRAVERSALS = {"steps": 9, "rows": 10}
MANIFOLD = {"n": 14}
INTERPOLATIONS = {"pairs": 4, "steps": 6}
#: The largest ratio of the widths of two pictures side by side.
_MAX_WIDTH_RATIO = 1.5
#: The column shares for a single picture, which is drawn for half the width.
_SINGLE_SHARES = (1.2, 1.0)


def side_by_side(pictures: Sequence[Picture | None]) -> tuple[Block, ...]:
    """Pictures side by side, of equal height if their shapes allow it."""
    present = [picture for picture in pictures if picture]
    if not present:
        return ()
    if len(present) == 1:
        return (Side(((present[0],), ()), _SINGLE_SHARES),)
    shapes = [_aspect(picture) for picture in present]
    least = min(shapes)
    shares = tuple(round(min(shape / least, _MAX_WIDTH_RATIO), 3) for shape in shapes)
    return (Side(tuple((picture,) for picture in present), shares),)


def _aspect(picture: Picture) -> float:
    """Width over height."""
    if picture.format == "png":
        width, height = Image.open(io.BytesIO(picture.data)).size
        return width / height
    box = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture.data)
    return float(box[1]) / float(box[2]) if box else 1.0


def layer_table(subject: Subject) -> Table:
    """The layers with their output shapes and parameter counts."""
    layers = compact(layers_of(subject.model))
    rows: list[tuple[Prose, ...]] = []
    part = ""
    for layer in layers:
        shape = "×".join(map(str, layer.shape)) if layer.shape else ""
        cells = (
            layer.part if layer.part != part else "",
            layer.name,
            shape,
            f"{layer.parameters:,}",
        )
        rows.append(tuple(map(plain, cells)))
        part = layer.part
    total = prose("**{count}**", count=f"{subject.parameters:,}")
    rows.append((plain(""), plain("total"), plain(""), total))
    return Table(
        (plain("part"), plain("layer"), plain("output"), plain("parameters")),
        tuple(rows),
        "llrr",
    )


def dataset_of(subject: Subject) -> str:
    spec = subject.entry.spec_data["dataset"]
    return str(spec if isinstance(spec, str) else spec["use"])


def trained(subject: Subject) -> Prose:
    """One sentence on how the model was trained."""
    spec, lock, history = subject.model.spec, subject.entry.lock, subject.entry.history
    train = spec.train
    epochs = f"{len(history) or train.epochs} epochs"
    if history and len(history) != train.epochs:
        epochs = f"{len(history)} of {train.epochs} epochs"
    seconds = sum(record.seconds for record in history)
    spent = f" in {duration(seconds)}" if seconds and math.isfinite(seconds) else ""
    held_out = (
        f"{train.validation:.0%} of the training images held out"
        if train.validation
        else "no training images held out"
    )
    return prose(
        "Trained on `{dataset}` ({shape}, {held_out}) for {epochs} with batches of {batch}, "
        "`{optimizer}` with a learning rate of {lr}, seed {seed}, on "
        "{device}{spent}.",
        dataset=dataset_of(subject),
        shape=str(subject.model.image_shape),
        held_out=held_out,
        epochs=epochs,
        batch=train.batch_size,
        optimizer=train.optimizer.use,
        lr=_rate(train.optimizer.lr),
        seed=train.seed,
        device="a CPU" if lock["device"]["type"] == "cpu" else lock["device"]["name"],
        spent=spent,
    )


def _rate(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else f"{value.ends[0]:g} to {value.ends[1]:g}"


def notices(subject: Subject) -> tuple[Notice, ...]:
    """Warnings that precede the report."""
    found = []
    if subject.problem:
        found.append(
            Notice(
                prose(
                    "**{name}:** the dataset is not available ({problem}). The pictures are those "
                    "drawn after training.",
                    name=subject.name,
                    problem=subject.problem,
                )
            )
        )
    if subject.entry.stands_alone:
        found.append(
            Notice(
                prose(
                    "**{name}** is a weights file alone, without figures or training curves. Use "
                    "the entry's folder to include them.",
                    name=subject.name,
                )
            )
        )
    return tuple(found)


def observations(lines: Sequence[Prose]) -> Bullets:
    return Bullets(tuple(lines) or (prose("The recorded figures support no observation."),))


def spec_text(subject: Subject) -> str:
    """The shortest spec of the entry's weights."""
    return to_yaml(essential(subject.model.spec, subject.registry)).rstrip()


def versions(subject: Subject) -> str:
    """The software versions and device in the lock, in one line."""
    lock = subject.entry.lock
    plugins = {c["plugin"]: c["version"] for c in lock["components"] if c["plugin"] != "vaezoo"}
    named = {"vaezoo": lock["vaezoo"], "torch": lock["torch"], "python": lock["python"], **plugins}
    device = lock["device"]
    threads = device.get("threads")
    place = f"{device['type']} {device['name']}"
    if threads:
        place += f", {threads} thread{'s' if threads > 1 else ''}"
    listed = ", ".join(f"{name} {version}" for name, version in named.items())
    return f"{listed}; {place}, {lock['precision']}; seed {lock['seed']}"


def commands(subject: Subject) -> str:
    """The commands that train, verify, sample and report the model."""
    name = subject.name
    place = words_for(subject.entry)
    lines = [
        f"vaezoo run {shlex.quote(name)}.yaml",
        f"vaezoo sample {place} --n 50",
        f"vaezoo report {place} --pdf",
    ]
    if not subject.entry.stands_alone:
        lines.insert(1, f"vaezoo verify {place}")
    return "\n".join(lines)


def file_digest(subject: Subject) -> str:
    """The SHA-256 of the weights file."""
    with subject.entry.weights_path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_rows(subject: Subject) -> list[tuple[Prose, ...]]:
    """Table rows with the digests of the model and its data."""
    entry = subject.entry
    data = entry.lock.get("dataset", {}).get("digest", "")
    return [
        (plain("versions"), plain(versions(subject))),
        (plain("tensors, SHA-256"), prose("`{it}`", it=entry.header["digest"])),
        (plain(f"{entry.weights_path.name}, SHA-256"), prose("`{it}`", it=file_digest(subject))),
        *([(plain("dataset, SHA-256"), prose("`{it}`", it=data))] if data else []),
    ]


def rate_and_distortion(subject: Subject) -> Prose:
    """The final rate and distortion in one sentence; empty if not recorded."""
    point = subject.run.point
    if not point:
        return ()
    return prose(
        "{name} ended at {rate} and {distortion} nats on the test split.",
        name=subject.name,
        rate=Math(f"R = {point[0]:.2f}"),
        distortion=Math(f"D = {point[1]:.2f}"),
    )
