"""``Entry``: a trained model on disk, read piece by piece and only when asked.

An entry is a folder, or a weights file alone: the header of ``model.safetensors`` holds the
spec and the lock, so that the file needs nothing beside it. In a folder there are also::

    spec.yaml       the resolved spec, for people; the header's copy is the one that is loaded
    metrics.json    {"figures": [Figure, …],       every field of registry.contracts.Figure
                     "targets": [TargetResult, …], with a verdict
                     "notes": [text, …],           what a reader must not miss
                     "test_is_trained_on": bool}
    history.jsonl   one registry.contracts.EpochRecord a line
    README.md       the model card, made from the files above
    figures/*.png   the pictures

A number that is not finite is ``null`` in these files, since JSON has no other way to say it.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vaezoo import weights
from vaezoo.diagnostics import Diagnostic, DiagnosticWarning, SpecError, ZooError
from vaezoo.files import is_lfs_pointer
from vaezoo.registry import EpochRecord, Figure, TargetResult
from vaezoo.registry.verdicts import from_record

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.registry import Registry
    from vaezoo.spec import Spec

FORMAT = "vaezoo 1"
WEIGHTS, SPEC, METRICS, HISTORY, CARD, FIGURES = (
    "model.safetensors",
    "spec.yaml",
    "metrics.json",
    "history.jsonl",
    "README.md",
    "figures",
)
_AGAIN = "fetch it again, or train it again with 'vaezoo run'"

#: what listings and cards read without resolving the spec
_SPEC_KEYS = frozenset({"name", "summary", "dataset", "model", "loss", "train"})
_LOCK_KEYS = frozenset(
    {"vaezoo", "python", "torch", "device", "precision", "dataset", "seed", "components"}
)
_DEVICE_KEYS, _DATASET_KEYS = frozenset({"type", "name"}), frozenset({"use", "digest"})
_COMPONENT_KEYS = frozenset({"kind", "use", "plugin", "version", "distribution", "file", "sha256"})
_PLUGIN_KEYS = frozenset({"name", "version", "distribution", "sha256"})

T = TypeVar("T")


@dataclass(frozen=True)
class Metrics:
    """The evaluator's output for one entry."""

    figures: tuple[Figure, ...] = ()
    targets: tuple[TargetResult, ...] = ()
    notes: tuple[str, ...] = ()
    test_is_trained_on: bool = False

    def figure(self, metric: str) -> Figure | None:
        """The first figure called so, such as ``test/elbo``."""
        split, _, name = metric.partition("/")
        return next((f for f in self.figures if (f.split, f.name) == (split, name)), None)


@dataclass(frozen=True)
class Entry:
    """A trained model: ``path`` is its folder, or its weights file where that stands alone."""

    path: Path
    name: str

    @property
    def weights_path(self) -> Path:
        return self.path if self.stands_alone else self.path / WEIGHTS

    @property
    def stands_alone(self) -> bool:
        return self.path.suffix == ".safetensors"

    @cached_property
    def header(self) -> dict[str, str]:
        """The texts in the weights file: format, spec, lock, digest. Raises ZooError (VZ502)."""
        header = _readable(self.weights_path, weights.read_header)
        if header.get("format") != FORMAT or not header.keys() >= {"spec", "lock", "digest"}:
            raise damaged(
                f"{self.weights_path} has no header of the form {FORMAT!r}",
                "give a weights file that vaezoo wrote, or update vaezoo if it is newer",
            )
        return header

    @cached_property
    def spec_data(self) -> dict[str, Any]:
        """The resolved spec as JSON data."""
        return self._from_header("spec", _SPEC_KEYS)

    @cached_property
    def lock(self) -> dict[str, Any]:
        """Versions, device, seed and data that made the weights, see ``zoo.lock``."""
        lock = self._from_header("lock", _LOCK_KEYS)
        if not (_has(lock["device"], _DEVICE_KEYS) and _has(lock["dataset"], _DATASET_KEYS)):
            raise damaged(f"the lock in {self.weights_path} is not of this format")
        for key, needed in (("components", _COMPONENT_KEYS), ("plugins", _PLUGIN_KEYS)):
            rows = lock.setdefault(key, [])  # the first entries were made without "plugins"
            if isinstance(rows, list) and all(_has(row, needed) for row in rows):
                continue
            raise damaged(f"the lock in {self.weights_path} is not of this format")
        return lock

    @cached_property
    def metrics(self) -> Metrics:
        """The evaluator's figures; none for a weights file alone."""
        if self.stands_alone:
            return Metrics()
        return _readable(self.path / METRICS, _read_metrics)

    @cached_property
    def history(self) -> tuple[EpochRecord, ...]:
        """One record an epoch; none for a weights file alone."""
        if self.stands_alone:
            return ()
        return _readable(self.path / HISTORY, _read_history)

    @property
    def figures(self) -> tuple[Path, ...]:
        """The pictures, by name."""
        return () if self.stands_alone else tuple(sorted((self.path / FIGURES).glob("*.png")))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        files = [self.path] if self.stands_alone else list(self.path.rglob("*"))
        return sum(file.stat().st_size for file in files if file.is_file())

    @property
    def is_shipped(self) -> bool:
        """Whether it came with vaezoo."""
        from vaezoo.zoo.search import shipped_folder

        return shipped_folder().resolve() in self.path.resolve().parents

    def check(self) -> None:
        """Raise ZooError (VZ502) unless header and metrics can be read; reads no tensor."""
        _ = self.spec_data, self.lock, self.metrics

    def spec(self, registry: Registry) -> Spec:
        """The spec, its components resolved.

        Warns (VZ305, VZ306) where a plugin is not as it was when the entry was made. Raises
        PluginError (VZ304) for a plugin that is missing, ZooError (VZ502) for a spec that this
        version of vaezoo and its plugins cannot use.
        """
        from vaezoo.spec import from_data
        from vaezoo.zoo.drift import drift
        from vaezoo.zoo.lock import plugins_of, require_plugins

        require_plugins(self.lock, registry, self.name)
        # what ships with vaezoo is taken anew and held against its record by vaezoo's own tests
        drifted = [] if self.is_shipped else drift(self.lock, registry, self.name)
        for finding in drifted:
            warnings.warn(DiagnosticWarning(finding), stacklevel=1)  # each once, wherever from
        try:
            return from_data(self.spec_data, registry.pinned(plugins_of(self.lock)))
        except SpecError as error:
            reasons = "; ".join(d.message for d in error.diagnostics)
            raise damaged(
                f"the spec in {self.weights_path} cannot be used: {reasons}",
                f"install the versions that it was made with: {_versions(self.lock)}",
            ) from None

    def load(self, registry: Registry | None = None, device: str = "cpu") -> VAE:
        """The trained model, in evaluation mode on ``device``.

        Raises ZooError (VZ502) for a damaged file, PluginError (VZ304) for a missing plugin,
        RunError (VZ602) for a device that is not there.
        """
        from vaezoo.devices import choose
        from vaezoo.model import build
        from vaezoo.registry import discover

        place = choose(device)
        tensors = self._verified_tensors()
        model = build(self.spec(registry or discover()))
        try:
            model.load_state_dict(tensors, strict=True)
        except RuntimeError as error:  # torch lists every key and shape that does not fit
            reasons = " ".join(str(error).split())
            raise damaged(
                f"the weights in {self.weights_path} do not fit their spec: {reasons}",
                f"install the versions that it was made with: {_versions(self.lock)}",
            ) from None
        return model.to(place).eval()

    def _verified_tensors(self) -> dict[str, Tensor]:
        expected = self.header["digest"]
        tensors, _ = _readable(self.weights_path, weights.load)
        if weights.digest(tensors) != expected:
            raise damaged(f"the weights in {self.weights_path} are not those that were published")
        return tensors

    def _from_header(self, key: str, needed: frozenset[str]) -> dict[str, Any]:
        try:
            data = json.loads(self.header[key])
        except (ValueError, RecursionError) as error:
            raise damaged(f"the {key} in {self.weights_path} is not JSON: {error}") from None
        if not _has(data, needed):
            raise damaged(f"the {key} in {self.weights_path} is not of this format")
        return dict(data)


def _has(data: Any, needed: frozenset[str]) -> bool:
    return isinstance(data, dict) and data.keys() >= needed


def damaged(message: str, hint: str = _AGAIN) -> ZooError:
    """The error for an entry that cannot be used as it is."""
    return ZooError(Diagnostic("VZ502", message, hint=hint))


def to_json(value: Any) -> Any:
    """``value`` with every number that is not finite as None, all through."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _readable(path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except FileNotFoundError:
        raise damaged(f"{path} is missing") from None
    except OSError as error:
        raise damaged(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if is_lfs_pointer(path):
            raise weights.lfs_pointer(path) from None
        raise damaged(f"{path} is not what vaezoo writes there: {error}") from None


def _read_metrics(path: Path) -> Metrics:
    data = json.loads(path.read_text("utf-8"))
    return Metrics(
        figures=tuple(_figure(item) for item in data["figures"]),
        targets=tuple(_target(item) for item in data["targets"]),
        notes=tuple(data["notes"]),
        test_is_trained_on=data["test_is_trained_on"],
    )


def _figure(item: dict[str, Any]) -> Figure:
    numbers = item["per_dimension"]
    per_dimension = None if numbers is None else tuple(_number(n) for n in numbers)
    return Figure(**{**item, "value": _number(item["value"]), "per_dimension": per_dimension})


def _target(item: dict[str, Any]) -> TargetResult:
    return from_record(**{**item, "figure": _number(item["figure"])})


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _read_history(path: Path) -> tuple[EpochRecord, ...]:
    lines = path.read_text("utf-8").splitlines()
    return tuple(EpochRecord(**json.loads(line)) for line in lines)


def _versions(lock: dict[str, Any]) -> str:
    named = {c["distribution"]: c["version"] for c in lock["components"] if c["distribution"]}
    return ", ".join(f"{name} {version}" for name, version in sorted(named.items()))
