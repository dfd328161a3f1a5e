"""The files of one entry in a gallery: its page, pictures, spec and extra pages."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaezoo.gallery.entry_pictures import EntryPictures, entry_pictures
from vaezoo.gallery.entry_summary import (
    EntrySummary,
    PageLink,
    ShownPicture,
    Tiles,
    families_of,
    flat_spec,
    latent_of,
    license_of,
    plugins_needed,
    shown_figures,
    shown_targets,
    use_of,
)
from vaezoo.gallery.extra_pages import ExtraPage, MadePages, made_pages
from vaezoo.gallery.svg_plots import BarPlot, CurvePlot, bars, training_curves
from vaezoo.registry import Figure
from vaezoo.system.regular_file import read_regular
from vaezoo.system.yaml_writer import to_yaml
from vaezoo.zoo import Entry
from vaezoo.zoo.entry import HISTORY, METRICS, readable
from vaezoo.zoo.model_card import directions, duration
from vaezoo.zoo.records import LARGEST_HISTORY, LARGEST_METRICS, to_json

#: The entries' folder in a site, and the card's picture in an entry's folder.
ENTRIES, CARD_PICTURE = "entries", "card.png"
PAGE, SPEC_FILE = "index.html", "spec.yaml"


@dataclass(frozen=True)
class FoundEntry:
    """An entry, its folder in the site, and its zoo as commands write it (empty if shipped)."""

    entry: Entry
    slug: str
    zoo: str

    @property
    def part(self) -> str:
        """Its folder in the site, which is the name of its part of the site."""
        return f"{ENTRIES}/{self.slug}"


@dataclass(frozen=True)
class FigureRemark:
    """A figure's formula in TeX and its caveat."""

    label: str
    formula: str
    caveat: str


@dataclass(frozen=True)
class EntryPage:
    """What the page of an entry shows besides its summary."""

    commands: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    curves: tuple[CurvePlot, ...]
    by_dimension: BarPlot | None
    directions: str
    remarks: tuple[FigureRemark, ...]
    caveats: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    spec: str
    lock: str


@dataclass(frozen=True)
class EntryFiles:
    """The files of an entry by their path in the site, and its summary."""

    files: dict[str, bytes]
    summary: EntrySummary
    is_complete: bool


def content_digest(entry: Entry) -> str:
    """A SHA-256 over what an entry's page is made of; the header stands for the weights.

    Raises ZooError (VZ502) if a listing could not show the entry.
    """
    entry.check()
    digest = hashlib.sha256(json.dumps([entry.header, entry.files()], sort_keys=True).encode())
    for name, limit in ((METRICS, LARGEST_METRICS), (HISTORY, LARGEST_HISTORY)):
        digest.update(hashlib.sha256(_content(entry, name, limit)).digest())
    for picture in entry_pictures(entry).shown:
        digest.update(hashlib.sha256(picture.content).digest())
    return digest.hexdigest()


def _content(entry: Entry, name: str, limit: int) -> bytes:
    return readable(entry.path / name, lambda path: read_regular(path, limit, within=entry.path))


def entry_files(found: FoundEntry, kinds: Sequence[ExtraPage], title: str) -> EntryFiles:
    """Make the files of an entry. Raises ZooError (VZ502) if it is damaged."""
    from vaezoo.gallery.render_pages import entry_html
    from vaezoo.gallery.tile_sheet import card_picture

    entry, pictures = found.entry, entry_pictures(found.entry)
    card = card_picture(pictures.samples.content) if pictures.samples else None
    tiles = Tiles(CARD_PICTURE, card.width, card.height, card.scale) if card else None
    made = made_pages(entry, kinds)
    summary = _summary(found, pictures, tiles, made)
    page = _page(found, summary, pictures, made)
    files = {picture.file: picture.content for picture in pictures.shown}
    files |= {CARD_PICTURE: card.content} if card else {}
    files |= {kind.file: html.encode() for kind, html in made.pages.items()}
    files |= {SPEC_FILE: page.spec.encode(), PAGE: entry_html(summary, page, title).encode()}
    inside = {f"{found.part}/{name}": content for name, content in files.items()}
    return EntryFiles(inside, summary, is_complete=not made.failures)


def _summary(
    found: FoundEntry, pictures: EntryPictures, tiles: Tiles | None, made: MadePages
) -> EntrySummary:
    entry, spec = found.entry, found.entry.spec_data
    return EntrySummary(
        name=entry.name,
        slug=found.slug,
        summary=spec["summary"],
        zoo=found.zoo,
        dataset=use_of(spec["dataset"]),
        data_digest=entry.lock["dataset"]["digest"],
        test_is_trained_on=entry.metrics.test_is_trained_on,
        latent=latent_of(entry),
        families=families_of(entry),
        likelihood=use_of(spec["model"]["likelihood"]),
        plugins=plugins_needed(entry),
        weights_digest=entry.header["digest"],
        bytes=entry.size,
        license=license_of(entry),
        figures=shown_figures(entry.metrics),
        targets=shown_targets(entry.metrics),
        pictures=tuple(ShownPicture(p.title, p.file, p.width, p.height) for p in pictures.shown),
        tiles=tiles,
        spec=flat_spec(entry),
        pages=tuple(PageLink(kind.title, kind.file) for kind in made.pages),
    )


def _page(
    found: FoundEntry, summary: EntrySummary, pictures: EntryPictures, made: MadePages
) -> EntryPage:
    entry, metrics = found.entry, found.entry.metrics
    kl = metrics.of_role("kl")
    active = metrics.of_role("active_units")
    each = next((f.per_dimension for f in (kl, active) if f and f.per_dimension), ())
    return EntryPage(
        commands=_commands(found),
        facts=tuple(_facts(entry)),
        curves=training_curves(entry.history),
        by_dimension=bars(each) if kl and kl.per_dimension else None,
        directions=directions(metrics.figures, lambda figure: figure.label),
        remarks=_remarks(metrics.figures),
        caveats=tuple(dict.fromkeys(filter(None, (f.likelihood_caveat for f in metrics.figures)))),
        notes=metrics.notes,
        left_out=pictures.left_out,
        failures=tuple(made.failures.items()),
        spec=to_yaml(entry.spec_data),
        lock=json.dumps(to_json(entry.lock), indent=1, ensure_ascii=False),
    )


def _commands(found: FoundEntry) -> tuple[tuple[str, str], ...]:
    """Lines to copy: what each does, and the line."""
    name, zoo = found.entry.name, found.zoo
    option = f" --zoo {shlex.quote(zoo)}" if zoo else ""
    argument = f", zoo={json.dumps(zoo, ensure_ascii=False)}" if zoo else ""
    return (
        ("Sample", f"vaezoo sample {name} --n 50{option}"),
        ("Load in Python", f'model = vaezoo.load("{name}"{argument})'),
        ("Show", f"vaezoo zoo show {name}{option}"),
    )


def _remarks(figures: Sequence[Figure]) -> tuple[FigureRemark, ...]:
    """What figures are, for those that say so, once each."""
    found = (
        FigureRemark(figure.label, figure.about.formula, figure.about.caveat)
        for figure in figures
        if figure.about and (figure.about.formula or figure.about.caveat)
    )
    return tuple(dict.fromkeys(found))


def _facts(entry: Entry) -> Sequence[tuple[str, str]]:
    """Facts of the training, as names and texts."""
    lock, train, history = entry.lock, entry.spec_data["train"], entry.history
    device = lock["device"]
    versions = {"vaezoo": lock["vaezoo"], "torch": lock["torch"], "python": lock["python"]}
    versions |= {row["plugin"]: row["version"] for row in lock["components"]}
    epochs = f"{len(history)} of {train['epochs']}" if history else str(train["epochs"])
    seconds = sum(record.seconds for record in history)
    return [
        ("epochs", f"{epochs} in {duration(seconds)}" if seconds > 0 else epochs),
        ("batch size", str(train["batch_size"])),
        ("optimizer", use_of(train["optimizer"])),
        ("held out", f"{train['validation']:.0%} of the training images"),
        ("device", f"{device['type']} ({device['name']}), {lock['precision']}"),
        ("seed", str(lock["seed"])),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("weights", entry.header["digest"]),
    ]


def zoo_text(folder: Path, is_shipped: bool) -> str:
    """A zoo as commands on a page write it: a path below the working directory, or FOLDER.

    A page that others read names no other path of this computer.
    """
    if is_shipped:
        return ""
    inside = os.path.relpath(folder)
    return "FOLDER" if inside.startswith(os.pardir) else inside


def as_json_data(summary: EntrySummary) -> dict[str, Any]:
    """A summary as JSON data, NaN as null."""
    return dict(to_json(dataclasses.asdict(summary)))
