"""``Entry``: a trained model on disk. Its files are read on first use.

An entry is a folder, or only a weights file: the header of ``model.safetensors`` has the spec and
the lock, so the file is complete without the folder. A folder also contains::

    spec.yaml       the resolved spec, for people; loading uses the copy in the header
    metrics.json    {"figures": [Figure, …],       every field of registry.contracts.Figure
                     "targets": [TargetResult, …], with a verdict
                     "notes": [text, …],           caveats for readers
                     "test_is_trained_on": bool}
    history.jsonl   one registry.contracts.EpochRecord per line
    README.md       the model card, generated from the files above
    figures/*       the pictures
    manifest.json   size and SHA-256 of every other file, see ``vaezoo.zoo.manifest``

Numbers that are not finite are ``null`` in these files, since JSON has no NaN or infinity.

Entries are untrusted. Only regular files of limited size are read, none through a link, and the
type of every field is checked. Invalid files raise ZooError (VZ502).
"""

from __future__ import annotations

import os
import stat
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vaezoo.diagnostics import Diagnostic, DiagnosticWarning, SpecError, ZooError
from vaezoo.registry import Condition, EpochRecord, Metrics
from vaezoo.registry.contracts import PICTURE_FORMATS
from vaezoo.system import safetensors_io
from vaezoo.system.files import is_lfs_pointer
from vaezoo.system.regular_file import read_regular
from vaezoo.zoo import header as texts
from vaezoo.zoo.records import (
    LARGEST_HISTORY,
    LARGEST_METRICS,
    read_history,
    read_metrics,
)

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.registry import Registry
    from vaezoo.spec.spec import Spec

WEIGHTS, SPEC, METRICS, HISTORY, CARD, FIGURES, MANIFEST = (
    "model.safetensors",
    "spec.yaml",
    "metrics.json",
    "history.jsonl",
    "README.md",
    "figures",
    "manifest.json",
)
#: Largest number of files in an entry.
_MOST_FILES = 1000
#: Attempts to read an entry that is being replaced, and seconds to wait while it is absent.
_ATTEMPTS, _PAUSE = 20, 0.01
_FIELDS = frozenset({"path", "name"})
_LARGEST_PICTURE = 64 * 10**6
_AGAIN = "download it again, or train it again with 'vaezoo run'"
_NEWER = "use a weights file that vaezoo wrote; if it is newer than this vaezoo, update"

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A trained model; ``path`` is its folder, or its weights file without a folder.

    Everything that reads a file raises ZooError (VZ502) if it is missing or damaged.
    """

    path: Path
    name: str

    @property
    def weights_path(self) -> Path:
        """Its weights file, a safetensors file."""
        # a weights file without a folder was named by the user and may be a link; a link in a
        # folder from others is refused
        return self.path.resolve() if self.stands_alone else self.path / WEIGHTS

    @property
    def stands_alone(self) -> bool:
        """Whether it is a weights file without a folder."""
        return self.path.suffix == ".safetensors"

    @cached_property
    def header(self) -> dict[str, str]:
        """The texts in the weights file: format, spec, lock, digest, seal."""
        header = readable(
            self.weights_path, lambda path: safetensors_io.read_header(path, texts.LARGEST)
        )
        try:
            texts.check(header)
        except ValueError as error:
            raise damaged(f"{self.weights_path}: {error}", _NEWER) from None
        return header

    @property
    def is_sealed(self) -> bool:
        """Whether it has the format with a manifest."""
        return self.header["format"] == texts.FORMAT

    @cached_property
    def recorded_name(self) -> str:
        """The name under which it was published."""
        return str(self._spec_of_header["name"])

    @property
    def spec_data(self) -> dict[str, Any]:
        """The resolved spec as JSON data."""
        if self.recorded_name != self.name:
            raise damaged(
                f"{self.path} is called {self.name}, but its weights file {self.recorded_name}",
                f"rename it to {self.recorded_name}, or give its path instead of a name",
            )
        return self._spec_of_header

    @cached_property
    def lock(self) -> dict[str, Any]:
        """Versions, device, seed and data that made the weights, see ``zoo.lock``."""
        return self._from_header("lock", texts.lock_of)

    @property
    def condition(self) -> Condition | None:
        """The classes of a conditional model."""
        names = self.lock["dataset"].get("classes")
        return Condition(tuple(names)) if names else None

    @property
    def sampler(self) -> str | None:
        """The sampler whose tensors are stored; None if samples are drawn from the prior."""
        return self.lock.get("sampler")

    @cached_property
    def metrics(self) -> Metrics:
        """The evaluator's figures; empty for a weights file without a folder."""
        if self.stands_alone:
            return Metrics()
        return self._read(METRICS, LARGEST_METRICS, read_metrics)

    @cached_property
    def history(self) -> tuple[EpochRecord, ...]:
        """One record per epoch; empty for a weights file without a folder."""
        if self.stands_alone:
            return ()
        return self._read(HISTORY, LARGEST_HISTORY, read_history)

    @property
    def figures(self) -> tuple[Path, ...]:
        """The pictures, by name."""
        if self.stands_alone:
            return ()
        inside = [self.path / name for name in self.files()]
        own = [path for path in inside if path.parent == self.path / FIGURES]
        return tuple(path for path in own if path.suffix[1:] in PICTURE_FORMATS)

    def picture(self, path: Path) -> bytes:
        """The bytes of one of ``figures``."""
        return readable(path, lambda path: read_regular(path, _LARGEST_PICTURE, within=self.path))

    def files(self) -> dict[str, int]:
        """The size in bytes of each regular file, by relative path; without hidden files."""
        if self.stands_alone:
            return {self.path.name: readable(self.weights_path, lambda path: path.stat().st_size)}
        found = readable(self.path, contents)
        return {name: one.st_size for name, one in found.items() if stat.S_ISREG(one.st_mode)}

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(self.files().values())

    @property
    def is_shipped(self) -> bool:
        """Whether it ships with vaezoo."""
        from vaezoo.zoo.search import shipped_folder

        return shipped_folder().resolve() in self.path.resolve().parents

    def check(self) -> None:
        """Raise unless everything that a listing shows can be read. Reads no tensors."""
        _ = self.spec_data, self.lock, self.metrics, self.size

    def spec(self, registry: Registry) -> Spec:
        """The spec with its components.

        Warns (VZ305, VZ306) if a plugin has changed since the entry was made. Raises PluginError
        (VZ304) for a missing plugin, ZooError (VZ502) for a spec that the installed versions
        cannot use.
        """
        from vaezoo.zoo.lock import require_plugins

        require_plugins(self.lock, registry, self.name)
        return self._spec_by(registry)

    def _spec_by(self, registry: Registry) -> Spec:
        from vaezoo.spec import from_data
        from vaezoo.zoo.lock import plugins_of
        from vaezoo.zoo.plugin_drift import drift

        # vaezoo's own tests recompute the figures of shipped entries
        drifted = [] if self.is_shipped else drift(self.lock, registry, self.name)
        for finding in drifted:
            warnings.warn(DiagnosticWarning(finding), stacklevel=1)  # here, to show each once
        try:
            pinned = registry.pinned(plugins_of(self.lock))
            return from_data(self.spec_data, pinned, self.condition)
        except SpecError as error:
            reasons = "; ".join(d.message for d in error.diagnostics)
            raise damaged(
                f"the spec in {self.weights_path} cannot be used: {reasons}",
                f"install the versions that it was made with: {_versions(self.lock)}",
            ) from None

    def steadily(self, read: Callable[[], T]) -> T:
        """The result of ``read``, which reads this entry. It is repeated if it fails because a
        publish replaced the folder at the same time."""
        for _ in range(_ATTEMPTS):
            known, before = set(vars(self)) - _FIELDS, self.number()
            try:
                return read()
            except ZooError:
                after = self.number()
                if not known and before == after and after is not None:
                    raise
                for name in set(vars(self)) - _FIELDS:
                    del vars(self)[name]  # cached values may be from the replaced folder
                if after is None:
                    time.sleep(_PAUSE)
        return read()

    def number(self) -> tuple[int, int] | None:
        """Identifies the folder until it is moved or changed; None if it is missing."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_ctime_ns

    def tensors(self) -> dict[str, Tensor]:
        """The weights, by their names in the model. Raises ZooError (VZ502) for a damaged file."""
        return self.steadily(self._verified_tensors)

    def load(self, registry: Registry | None = None, device: str = "cpu") -> VAE:
        """The trained model, in evaluation mode on ``device``.

        Plugins that only trained or evaluated it may be missing, with a warning (VZ304). Raises
        ZooError (VZ502) for a damaged file, PluginError (VZ304) for a missing plugin of the model,
        RunError (VZ602) for an unavailable device.
        """
        return self.steadily(lambda: self._load(registry, device))

    def _load(self, registry: Registry | None, device: str) -> VAE:
        from vaezoo.model import attach_players, attach_sampler, build
        from vaezoo.registry import discover
        from vaezoo.registry.stand_in import StandIn
        from vaezoo.system.devices import choose
        from vaezoo.zoo.lock import with_stand_ins

        place = choose(device)
        tensors = self._verified_tensors()
        spec = self._spec_by(with_stand_ins(self.lock, registry or discover(), self.name))
        if isinstance(spec.loss, StandIn):  # nothing can hold the modules of its players
            tensors = {n: t for n, t in tensors.items() if not n.startswith("players.")}
        condition = self.condition if spec.model.condition else None
        misfit = _misfit(spec, condition, tensors)
        if misfit:
            raise self._do_not_fit(misfit)
        model = build(spec, condition=condition)
        attach_players(model)
        if self.sampler:
            attach_sampler(model)
        try:
            model.load_state_dict(tensors, strict=True)
        except RuntimeError as error:  # torch lists every key and shape that does not fit
            raise self._do_not_fit(" ".join(str(error).split())) from None
        return model.to(place).eval()

    def _do_not_fit(self, reasons: str) -> ZooError:
        return damaged(
            f"the weights in {self.weights_path} do not fit their spec: {reasons}",
            f"install the versions that it was made with: {_versions(self.lock)}",
        )

    def _verified_tensors(self) -> dict[str, Tensor]:
        expected = self.header["digest"]
        tensors, header = readable(
            self.weights_path, lambda path: safetensors_io.load(path, texts.LARGEST)
        )
        if header != self.header:
            raise damaged(f"{self.weights_path} was replaced while it was read", "try again")
        if safetensors_io.digest(tensors) != expected:
            raise damaged(f"the weights in {self.weights_path} were changed after publishing")
        return tensors

    @cached_property
    def _spec_of_header(self) -> dict[str, Any]:
        return self._from_header("spec", texts.spec_of)

    def _from_header(
        self, key: str, read: Callable[[dict[str, str]], dict[str, Any]]
    ) -> dict[str, Any]:
        try:
            return read(self.header)
        except (ValueError, RecursionError) as error:
            raise damaged(f"the {key} in {self.weights_path} cannot be used: {error}") from None

    def _read(self, name: str, limit: int, read: Callable[[bytes], T]) -> T:
        return readable(
            self.path / name, lambda path: read(read_regular(path, limit, within=self.path))
        )


def damaged(message: str, hint: str = _AGAIN) -> ZooError:
    """The error for a damaged entry."""
    return ZooError(Diagnostic("VZ502", message, hint=hint))


def readable(path: Path, read: Callable[[Path], T]) -> T:
    """The result of ``read`` for a file of an entry. Raises ZooError (VZ502)."""
    try:
        return read(path)
    except FileNotFoundError:
        raise damaged(f"{path} is missing") from None
    except OSError as error:
        raise damaged(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if is_lfs_pointer(path):
            raise safetensors_io.lfs_pointer(path) from None
        raise damaged(f"{path} is damaged: {error}") from None


def _misfit(spec: Spec, condition: Condition | None, tensors: Mapping[str, Tensor]) -> str | None:
    """Why tensors do not fit a spec; None if they do.

    It does not allocate the model, since an untrusted spec may need any amount of memory.
    """
    import torch

    from vaezoo.model import build

    try:
        with torch.device("meta"):
            wanted = {
                name: tuple(t.shape)
                for name, t in build(spec, condition=condition).state_dict().items()
            }
    except Exception:  # not every component can be built on meta
        return None
    for name, shape in wanted.items():
        if name in tensors and tuple(tensors[name].shape) != shape:
            return f"{name} has the shape {tuple(tensors[name].shape)}, the spec needs {shape}"
    return None


def contents(folder: Path) -> dict[str, os.stat_result]:
    """The status of all files in an entry's folder and its subfolders, by relative path.

    Hidden files are left out; links are listed but not followed.
    """
    found: dict[str, os.stat_result] = {}
    waiting = [(folder, "")]
    while waiting:
        inside, prefix = waiting.pop()
        with os.scandir(inside) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                status = item.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((Path(item.path), f"{prefix}{item.name}/"))
                else:
                    found[f"{prefix}{item.name}"] = status
                if len(found) + len(waiting) > _MOST_FILES:
                    raise ValueError(f"it has more than {_MOST_FILES} files")
    return dict(sorted(found.items()))


def _versions(lock: dict[str, Any]) -> str:
    named = {c["distribution"]: c["version"] for c in lock["components"] if c["distribution"]}
    return ", ".join(f"{name} {version}" for name, version in sorted(named.items()))
