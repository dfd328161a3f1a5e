"""``index.json`` of a remote zoo: every entry with its revisions and what a listing shows.

It contains a digest of itself, which detects accidents, not a forger: who can write the zoo can
compute it again. A pinned revision and a signature protect against the latter.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaezoo.registry import Metrics
from vaezoo.spec.spec import LICENSE_PATTERN, NAME_PATTERN
from vaezoo.system import strict_json
from vaezoo.system.typed_json import typed
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.lock import last_checked

INDEX = "index.json"
FORMAT = "vaezoo index 1"
LARGEST_INDEX = 8 * 10**6
_MOST_ENTRIES = 10_000
#: Earlier revisions that an index names.
MOST_EARLIER = 100
_LONGEST_TEXT = 500
_REVISION = re.compile(r"[0-9a-f]{64}")
#: Characters of a name that look alike, and one of them for all.
_ALIKE = str.maketrans({"1": "l", "i": "l", "0": "o", "-": "_"})


@dataclass(frozen=True)
class TestELBO:
    """The ELBO in nats per example, and what it was measured with."""

    __test__ = False  # for pytest

    value: float
    standard_error: float | None
    likelihood: str
    binarisation: str


@dataclass(frozen=True)
class NeededPlugin:
    """A plugin that the entry needs; ``distribution`` is what pip installs."""

    name: str
    version: str
    distribution: str | None


@dataclass(frozen=True)
class IndexRow:
    """One entry of an index. ``revision`` is the newest, ``earlier`` those before it."""

    revision: str
    bytes: int
    summary: str
    dataset: str
    latent: int | list[int]
    test_elbo: TestELBO | None
    license: str
    components: list[str]
    plugins: list[NeededPlugin]
    earlier: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _IndexContent:
    format: str
    entries: dict[str, IndexRow]
    digest: str


@dataclass(frozen=True)
class ZooIndex:
    """The entries of a remote zoo, by name."""

    entries: Mapping[str, IndexRow] = field(default_factory=dict)

    def text(self) -> bytes:
        """The content of ``index.json``."""
        rows = {name: dataclasses.asdict(self.entries[name]) for name in sorted(self.entries)}
        content: dict[str, Any] = {"format": FORMAT, "entries": rows}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"{json.dumps({**content, 'digest': digest}, indent=1)}\n".encode()

    def with_row(self, name: str, row: IndexRow) -> ZooIndex:
        """The index with another row, which names the revisions that it replaces.

        Raises ValueError for a name that looks like another one.
        """
        before = self.entries.get(name)
        earlier: list[str] = []
        if before is not None:
            known = dict.fromkeys([before.revision, *before.earlier])
            earlier = [one for one in known if one != row.revision][:MOST_EARLIER]
        rows = {**self.entries, name: dataclasses.replace(row, earlier=earlier)}
        _check_names(rows)
        return ZooIndex(rows)


def read_index(content: bytes) -> ZooIndex:
    """Parse an index of unknown origin. Raises ValueError."""
    if len(content) > LARGEST_INDEX:
        raise ValueError(f"the index has more than {LARGEST_INDEX:,} bytes")
    try:
        data: _IndexContent = typed(strict_json.parse(content), _IndexContent)
    except RecursionError:
        raise ValueError("the index is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the index is not what vaezoo writes: {error}") from None
    if data.format != FORMAT:
        raise ValueError(f"the format of the index is not {FORMAT!r}; update vaezoo")
    if len(data.entries) > _MOST_ENTRIES:
        raise ValueError(f"the index has more than {_MOST_ENTRIES:,} entries")
    _check_names(data.entries)
    for name, row in data.entries.items():
        _check_row(name, row)
    index = ZooIndex(data.entries)
    if index.text() != content:  # compare the whole text, so that no change is missed
        raise ValueError("the index was changed after it was written")
    return index


def row_of(entry: Entry, revision: str, size: int, license_: str) -> IndexRow:
    """The row of an entry on disk. Raises ValueError if it could not be read again."""
    spec = entry.spec_data
    checked = last_checked(entry.lock)
    plugins = {
        (row["plugin"], row["version"], row["distribution"]) for row in checked["components"]
    }
    row = IndexRow(
        revision=revision,
        bytes=size,
        summary=str(spec["summary"])[:_LONGEST_TEXT],
        dataset=_use(spec["dataset"]),
        latent=spec["model"]["latent"],
        test_elbo=_elbo(entry.metrics),
        license=license_,
        components=sorted({f"{row['kind']} {row['use']}" for row in checked["components"]}),
        plugins=[NeededPlugin(*one) for one in sorted(plugins, key=str)],
    )
    _check_row(entry.name, row)
    return row


def _elbo(metrics: Metrics) -> TestELBO | None:
    figure = metrics.of_role("elbo")
    if figure is None or figure.value != figure.value:
        return None
    return TestELBO(figure.value, figure.standard_error, figure.likelihood, figure.binarisation)


def _check_names(entries: Mapping[str, IndexRow]) -> None:
    alike: dict[str, str] = {}
    for name in entries:
        if not re.fullmatch(NAME_PATTERN, name) or name.endswith("\n"):
            raise ValueError(f"{name[:100]!r} is not the name of an entry")
        other = alike.setdefault(name.translate(_ALIKE), name)
        if other != name:
            raise ValueError(f"the names {other} and {name} look alike")


def _check_row(name: str, row: IndexRow) -> None:
    """Raise ValueError for values that no listing could show."""
    if not all(_REVISION.fullmatch(one) for one in (row.revision, *row.earlier)):
        raise ValueError(f"{name} has an invalid revision")
    if not row.bytes >= 0 or len(row.earlier) > MOST_EARLIER:
        raise ValueError(f"{name} has an invalid size or number of revisions")
    if not re.fullmatch(LICENSE_PATTERN, row.license):
        raise ValueError(f"{name} has an invalid license")
    texts = [row.summary, row.dataset, *row.components]
    texts += [text or "" for one in row.plugins for text in vars(one).values()]
    if max(map(len, texts)) > _LONGEST_TEXT or len(texts) > _LONGEST_TEXT:
        raise ValueError(f"{name} has texts that are too long")


def _use(written: str | dict[str, Any]) -> str:
    return written if isinstance(written, str) else str(written["use"])
