"""``build_gallery``: write a static site that shows the entries of some zoos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import Diagnostic, Severity, UsageError, ZooError, warn
from vaezoo.gallery.entry_page import (
    FoundEntry,
    as_json_data,
    content_digest,
    entry_files,
    zoo_text,
)
from vaezoo.gallery.entry_summary import EntrySummary
from vaezoo.gallery.extra_pages import ExtraPage, chosen_pages
from vaezoo.gallery.site_files import BuiltPart, SiteFolder
from vaezoo.gallery.site_index import DamagedEntry, site_index
from vaezoo.system.files import expanded
from vaezoo.system.typed_json import typed
from vaezoo.zoo import Entry
from vaezoo.zoo.entry import WEIGHTS
from vaezoo.zoo.search import names_in, search_folders

TITLE = "vaezoo gallery"
#: The part of the site with the pages on several entries.
_WALL = "wall"


@dataclass(frozen=True)
class BuiltGallery:
    """A gallery: its folder, the names of its entries, of those whose pages were made, and of
    those that are damaged."""

    path: Path
    entries: tuple[str, ...]
    made: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def page(self) -> Path:
        """Its first page."""
        return self.path / "index.html"


def build_gallery(
    *zoos: str | Path,
    out: str | Path,
    title: str = TITLE,
    pages: Sequence[str] = (),
    announce: Callable[[str], object] = lambda name: None,
) -> BuiltGallery:
    """Write a static site that shows trained models: ``vaezoo.build_gallery("zoo", out="site")``.

    ``zoos`` are folders of entries; by default, the zoos that are searched for names. ``out`` is a
    new or empty folder, or a gallery that vaezoo wrote; its other files stay. Pages of entries that
    have not changed stay as they are. ``pages`` are further pages for each entry, such as
    ``"report"``, which load the model. ``announce`` is called with the name of each entry whose
    page is made.

    Warns (VZ502) of damaged entries, which the site lists as such. Raises UsageError (VZ501) for a
    folder without entries, (VZ503) for an ``out`` with other files, (VZ504) for an unknown page,
    and ZooError (VZ503) if a file cannot be written.
    """
    kinds = chosen_pages(pages)
    folders = _folders(zoos)
    site = SiteFolder.opened(expanded(out))
    _refuse_inside(site.path, folders)
    builder = _Builder(site, title, kinds, announce)
    found = _found(folders)
    for one in found:
        builder.add(one)
    builder.finish()
    return BuiltGallery(
        site.path,
        tuple(summary.slug for summary in builder.summaries),
        tuple(builder.made),
        tuple(one.name for one in builder.damaged),
    )


@dataclass(frozen=True)
class _EntryPart:
    """An entry's part of the site; ``files`` is None if those in the site are current."""

    key: str
    summary: EntrySummary
    files: dict[str, bytes] | None


class _Builder:
    """Makes the parts of a site that are not current."""

    def __init__(
        self,
        site: SiteFolder,
        title: str,
        kinds: Sequence[ExtraPage],
        announce: Callable[[str], object],
    ) -> None:
        self.site, self.title, self.kinds, self.announce = site, title, kinds, announce
        self.summaries: list[EntrySummary] = []
        self.damaged: list[DamagedEntry] = []
        self.made: list[str] = []
        self._code = f"{metadata.version('vaezoo')} {_code_digest()}"
        self._kept: set[str] = set()

    def add(self, found: FoundEntry) -> None:
        """Add an entry, or list it as damaged."""
        try:
            part = found.entry.steadily(lambda: self._part(found))
        except ZooError as error:
            self._list_as_damaged(found, error.diagnostics[0])
            return
        if part.files is not None:
            self.site.put(found.part, part.key, part.files, as_json_data(part.summary))
            self.made.append(found.slug)
        self._kept.add(found.part)
        self.summaries.append(part.summary)

    def finish(self) -> None:
        """Write the pages on several entries, and remove what is outdated."""
        data = site_index(self.title, self.summaries, self.damaged)
        key = self._key(data)
        if self.site.current(_WALL, key) is None:
            from vaezoo.gallery.render_pages import wall_files

            self.site.put(_WALL, key, wall_files(self.title, self.summaries, self.damaged, data))
        self.site.keep_only({_WALL, *self._kept})

    def _part(self, found: FoundEntry) -> _EntryPart:
        """The part of an entry. Raises ZooError (VZ502) if the entry is damaged."""
        kinds = [kind.name for kind in self.kinds]
        digest = content_digest(found.entry)
        key = self._key([digest, found.slug, found.zoo, self.title, kinds])
        known = _known_summary(self.site.current(found.part, key))
        if known:
            return _EntryPart(key, known, None)
        self.announce(found.entry.name)
        made = entry_files(found, self.kinds, self.title)
        # the key of a page without one of its extra pages never fits: it is tried again
        return _EntryPart(key if made.is_complete else "", made.summary, made.files)

    def _list_as_damaged(self, found: FoundEntry, problem: Diagnostic) -> None:
        self.damaged.append(DamagedEntry.of(found, problem))
        message = f"the gallery lists {found.entry.name} as damaged: {problem.message}"
        warn(Diagnostic("VZ502", message, hint=problem.hint, severity=Severity.WARNING))

    def _key(self, data: Any) -> str:
        content = json.dumps([self._code, data], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def _known_summary(part: BuiltPart | None) -> EntrySummary | None:
    """The summary in ``gallery.json``; None if it is missing or was changed."""
    if part is None or part.data is None:
        return None
    try:
        summary: EntrySummary = typed(part.data, EntrySummary)
    except ValueError:
        return None
    return summary


def _folders(zoos: Sequence[str | Path]) -> list[Path]:
    """The zoos. Raises UsageError (VZ501) for one that cannot be used."""
    if not zoos:
        return [folder for folder in search_folders() if folder.is_dir()]
    folders = [expanded(zoo) for zoo in zoos]
    for folder in folders:
        if (folder / WEIGHTS).is_file():
            message, hint = f"{folder} is an entry", "give the folder that holds it"
            raise UsageError(Diagnostic("VZ501", message, hint=hint))
        if not folder.is_dir():
            hint = "give existing folders of entries"
            raise UsageError(Diagnostic("VZ501", f"no zoo folder {folder}", hint=hint))
    return list({folder.resolve(): folder for folder in folders}.values())


def _found(folders: Sequence[Path]) -> list[FoundEntry]:
    """The entries by name, each with its own slug. Raises UsageError (VZ501) without any."""
    entries = [Entry(folder / name, name) for folder in folders for name in names_in(folder)]
    if not entries:
        listed = ", ".join(map(str, folders))
        hint = "create entries with 'vaezoo run SPEC', or give another folder"
        raise UsageError(Diagnostic("VZ501", f"no entries in {listed}", hint=hint))
    names, taken = {entry.name for entry in entries}, set[str]()
    found = []
    for entry in sorted(entries, key=lambda one: one.name):  # equal names stay in the given order
        numbered = (f"{entry.name}-{number}" for number in range(2, len(entries) + 2))
        free = (slug for slug in numbered if slug not in names and slug not in taken)
        slug = next(free) if entry.name in taken else entry.name
        taken.add(slug)
        found.append(FoundEntry(entry, slug, zoo_text(entry.path.parent, entry.is_shipped)))
    return found


def _refuse_inside(site: Path, folders: Sequence[Path]) -> None:
    """Raise UsageError (VZ503) for a site in a zoo, where it would be taken for an entry."""
    place = site.resolve()
    for folder in folders:
        zoo = folder.resolve()
        if zoo == place or zoo in place.parents:
            message, hint = f"{site} is in the zoo {folder}", "choose a folder outside of it"
            raise UsageError(Diagnostic("VZ503", message, hint=hint))


def _code_digest() -> str:
    """A SHA-256 over the code and the templates of this package."""
    digest = hashlib.sha256()
    package = resources.files("vaezoo.gallery")
    for folder in (package, package / "templates"):
        for one in sorted(folder.iterdir(), key=lambda item: item.name):
            if one.is_file():
                digest.update(f"{one.name}\n".encode() + one.read_bytes())
    return digest.hexdigest()
