"""Search zoos on disk, and remote ones by their index, without downloading entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, Severity, ZooError, warn
from vaezoo.system.files import in_units
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.lock import last_checked
from vaezoo.zoo.remote.added_zoos import added_zoos
from vaezoo.zoo.remote.address import Address
from vaezoo.zoo.remote.fetch_entry import fetch_index
from vaezoo.zoo.remote.remote_cache import kept_index
from vaezoo.zoo.remote.remote_files import open_files
from vaezoo.zoo.remote.resolve import remote_zoo
from vaezoo.zoo.remote.zoo_index import IndexRow, ZooIndex
from vaezoo.zoo.search import entries


@dataclass(frozen=True)
class EntryMatch:
    """An entry as a listing shows it. ``reference`` is what other commands take.

    ``protocol`` says what the ELBO was measured with; values of different ones do not compare.
    ``revision`` is None for an entry on disk.
    """

    reference: str
    summary: str
    dataset: str
    latent: int | list[int]
    test_elbo: float | None
    standard_error: float | None
    protocol: str
    bytes: int
    license: str | None
    components: Sequence[str]
    revision: str | None = None

    def matches(self, words: Sequence[str]) -> bool:
        """Whether each word occurs in its name, summary, dataset or components."""
        text = " ".join([self.reference, self.summary, self.dataset, *self.components]).casefold()
        return all(word.casefold() in text for word in words)


def search_entries(words: Sequence[str], *, zoo: str | Path | None = None) -> list[EntryMatch]:
    """The entries with all ``words``: those on disk, of every added zoo, and of the zoo ``zoo``.

    Warns (VZ507, VZ508) of an added zoo that cannot be read; its last known index is searched.
    Raises ZooError for ``zoo``.
    """
    remote = remote_zoo(zoo)
    found = [] if remote is None else list(in_index(fetch_index(open_files(remote)), f"{remote}/"))
    found += on_disk(None if remote else zoo)
    for short, address in added_zoos().items():
        if address != remote:
            found += in_index(_known_index(address), f"{short}/")
    return [one for one in found if one.matches(words)]


def remote_entries(zoo: str) -> list[EntryMatch] | None:
    """The entries of the zoo at an address or short name; None for a folder.

    Raises ZooError (VZ507), (VZ508).
    """
    address = remote_zoo(zoo)
    if address is None:
        return None
    prefix = f"{zoo}/" if zoo in added_zoos() else f"{address}/"
    return list(in_index(fetch_index(open_files(address)), prefix))


def in_index(index: ZooIndex, prefix: str) -> Iterator[EntryMatch]:
    """The entries of an index; ``prefix`` is put before their names."""
    return (_of_row(f"{prefix}{name}", row) for name, row in sorted(index.entries.items()))


def on_disk(zoo: str | Path | None = None) -> Iterator[EntryMatch]:
    """The intact entries that are found by name."""
    return (_of_entry(one) for one in entries(zoo) if isinstance(one, Entry))


def _known_index(address: Address) -> ZooIndex:
    try:
        return fetch_index(open_files(address))
    except ZooError as error:
        kept = kept_index(address)
        first = error.diagnostics[0]
        how = "its last known index was searched" if kept else "it was not searched"
        warn(
            Diagnostic(
                first.code, f"{first.message}; {how}", hint=first.hint, severity=Severity.WARNING
            )
        )
        return kept or ZooIndex()


def _of_row(reference: str, row: IndexRow) -> EntryMatch:
    elbo = row.test_elbo
    return EntryMatch(
        reference,
        row.summary,
        row.dataset,
        row.latent,
        elbo.value if elbo else None,
        elbo.standard_error if elbo else None,
        f"{elbo.likelihood}, binarization: {elbo.binarisation}" if elbo else "",
        row.bytes,
        row.license,
        row.components,
        row.revision,
    )


def _of_entry(entry: Entry) -> EntryMatch:
    spec, figure = entry.spec_data, entry.metrics.of_role("elbo")
    dataset = spec["dataset"]
    components = last_checked(entry.lock)["components"]
    return EntryMatch(
        entry.name,
        str(spec["summary"]),
        dataset if isinstance(dataset, str) else str(dataset["use"]),
        spec["model"]["latent"],
        figure.value if figure else None,
        figure.standard_error if figure else None,
        f"{figure.likelihood}, binarization: {figure.binarisation}" if figure else "",
        entry.size,
        spec.get("publish", {}).get("license"),
        sorted({f"{row['kind']} {row['use']}" for row in components}),
    )


def found_rows(found: Sequence[EntryMatch]) -> list[tuple[str, ...]]:
    """Entries as rows of a table, below a head."""
    head = ("NAME", "DATASET", "LATENT", "TEST ELBO", "SIZE", "LICENSE", "SUMMARY")
    return [head, *(_row(one) for one in found)]


def _row(one: EntryMatch) -> tuple[str, ...]:
    error = f" ± {one.standard_error:.2f}" if one.standard_error is not None else ""
    return (
        one.reference,
        one.dataset,
        str(one.latent),
        f"{one.test_elbo:.2f}{error}" if one.test_elbo is not None else "–",
        in_units(one.bytes),
        one.license or "–",
        one.summary,
    )


def short_names(zoos: Mapping[str, Address]) -> list[tuple[str, ...]]:
    """Added zoos as rows of a table."""
    return [(short, str(address)) for short, address in zoos.items()]
