"""The header texts of an entry's weights file: format, spec, lock, digest and seal.

They contain no time and no path, so that equal runs give equal files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, TypedDict

from vaezoo.spec.spec import NAME_PATTERN
from vaezoo.system import strict_json
from vaezoo.system.typed_json import typed

#: The current format, and the one before, without seal and manifest.
FORMAT, EARLIER_FORMAT = "vaezoo 2", "vaezoo 1"
SEAL = "seal"
#: The size limit of a header in bytes: a hundred tensors take 15 kB.
LARGEST = 4 * 10**6
#: The length limit of a spec: a model of a hundred thousand layers takes minutes to build.
_MAX_SPEC_LENGTH = 50_000
_NEEDED = {
    FORMAT: frozenset({"spec", "lock", "digest", SEAL}),
    EARLIER_FORMAT: frozenset({"spec", "lock", "digest"}),
}


class _LockedComponent(TypedDict):
    use: str


#: A component with parameters, or its name.
_Use = str | _LockedComponent


class _Model(TypedDict):
    latent: int | list[int]
    encoder: _Use
    decoder: _Use
    likelihood: _Use
    prior: _Use


class _Train(TypedDict):
    epochs: int
    batch_size: int
    optimizer: _Use
    validation: float


class _Target(TypedDict):
    metric: str
    value: float
    tolerance: float
    source: str


class _PartsOfSpec(TypedDict, total=False):
    metrics: list[_Use]
    visualizers: list[_Use]
    targets: list[_Target]
    publish: dict[str, Any]


class SpecData(_PartsOfSpec):
    """The fields that listings and cards read from an unresolved spec."""

    name: str
    summary: str
    dataset: _Use
    model: _Model
    loss: _Use
    train: _Train


class _PartsOfDevice(TypedDict, total=False):
    threads: int


class _Device(_PartsOfDevice):
    type: str
    name: str


class _PartsOfDataset(TypedDict, total=False):
    classes: list[str]
    shape: list[int]


class _Dataset(_PartsOfDataset):
    use: str
    digest: str


class _Row(TypedDict):
    kind: str
    use: str
    plugin: str
    version: str
    distribution: str | None
    file: str | None
    sha256: str | None


class _Plugin(TypedDict):
    name: str
    version: str
    distribution: str | None
    sha256: str | None


class Checked(TypedDict):
    """The code that recomputed and confirmed all figures."""

    vaezoo: str
    torch: str
    components: list[_Row]
    plugins: list[_Plugin]


class _Averaged(TypedDict):
    decay: float
    start: float


class _StartFrom(TypedDict):
    name: str
    digest: str
    parts: list[str]


class _PartsOfLock(TypedDict, total=False):
    averaged: _Averaged
    start_from: _StartFrom
    compiled: bool
    images: str
    sampler: str
    plugins: list[_Plugin]
    checked: Checked


class LockData(_PartsOfLock):
    """A lock, see ``vaezoo.zoo.lock``."""

    vaezoo: str
    python: str
    torch: str
    device: _Device
    precision: str
    dataset: _Dataset
    seed: int
    components: list[_Row]


def sealed(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of a header with their seal."""
    return {**texts, SEAL: _seal(texts)}


def check(texts: Mapping[str, str]) -> None:
    """Raise ValueError for a header that vaezoo did not write or that was changed."""
    needed = _NEEDED.get(texts.get("format", ""))
    if needed is None or not texts.keys() >= needed:
        raise ValueError(f"its header does not have the format {FORMAT!r} or {EARLIER_FORMAT!r}")
    if SEAL in needed and texts[SEAL] != _seal(texts):
        raise ValueError("its header was changed after publishing")


def spec_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The resolved spec as JSON data. Raises ValueError, or RecursionError for deep nesting."""
    if len(texts["spec"]) > _MAX_SPEC_LENGTH:
        raise ValueError(f"it has more than {_MAX_SPEC_LENGTH:,} characters")
    data: dict[str, Any] = typed(strict_json.parse(texts["spec"]), SpecData)
    if not re.match(NAME_PATTERN, data["name"]) or data["name"].endswith("\n"):
        raise ValueError("name is not a valid entry name")
    return data


def lock_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The lock as JSON data. Raises ValueError, or RecursionError for deep nesting."""
    data: dict[str, Any] = typed(strict_json.parse(texts["lock"]), LockData)
    data.setdefault("plugins", [])  # missing from the first entries
    return data


def _seal(texts: Mapping[str, str]) -> str:
    """SHA-256 over all texts except the seal, sorted by name, each with its length."""
    digest = hashlib.sha256()
    for name in sorted(texts.keys() - {SEAL}):
        for text in (name, texts[name]):
            content = text.encode()
            digest.update(f"{len(content)}\n".encode() + content)
    return digest.hexdigest()
