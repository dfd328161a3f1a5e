"""``export``: write a model to files that run without vaezoo, as ``vaezoo export`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from vaezoo.diagnostics import DataError, Diagnostic, RunError
from vaezoo.exports.export_folder import check_destination, new_folder, write_record
from vaezoo.exports.export_targets import require_target, writer
from vaezoo.exports.parity import ParityCheck, ParityInputs, compare, parity_inputs
from vaezoo.exports.readme import USE, readme
from vaezoo.exports.source import Source, Written, parts_of
from vaezoo.model import VAE
from vaezoo.registry import ImageData, Metrics, Registry, discover
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.entry_data import load_images, load_model
from vaezoo.zoo.search import find

#: Latents in ``latents.json``.
_DRAWS = 16
_PIXELS = "float32 in [0, 1]: bytes from 0 to 255, divided by 255"


@dataclass(frozen=True)
class Exported:
    """An export: its folder and format, and the checks that it passed.

    ``images`` says which images it was compared on. ``checks`` is empty for a format that cannot
    be run here.
    """

    path: Path
    target: str
    checks: tuple[ParityCheck, ...]
    images: str


@dataclass(frozen=True)
class _Origin:
    """A model, where it comes from, and how to load its images."""

    name: str
    model: VAE
    entry: Entry | None
    load: Callable[[], ImageData]


def export(
    model: str | Path | VAE,
    to: str = "onnx",
    out: str | Path | None = None,
    *,
    zoo: str | Path | None = None,
    force: bool = False,
    tolerance: float | None = None,
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
    announce: Callable[[str], object] = lambda step: None,
) -> Exported:
    """Write the encoder and the decoder of a model: ``vaezoo.export("mnist_mlp20", "onnx")``.

    ``model`` is the name or path of an entry, or a loaded model with a spec. The folder ``out``, by
    default ``NAME-FORMAT``, must not exist; ``force`` replaces an earlier export in it. The files
    are compared with the model on 64 test images, or on random ones where the dataset is not
    available. ``tolerance`` is by default that of the format. ``overrides`` are
    ``dataset.KEY=VALUE`` texts that locate the data.

    Raises UsageError (VZ501, VZ504) for an unknown entry or format, ZooError (VZ503) for a missing
    package or a folder that cannot be written, RunError (VZ701) for a model that the format cannot
    hold, RunError (VZ702) for a difference above ``tolerance``, and what loading the entry raises.
    Nothing is written then.
    """
    target = require_target(to)
    allowed = target.tolerance if tolerance is None else tolerance
    registry = registry or discover()
    if not isinstance(model, VAE):
        entry = find(model, zoo=zoo)
        name = entry.name
    else:
        entry, name = None, model.spec.name
    path = Path(out) if out is not None else Path(f"{name}-{to}")
    check_destination(path, force=force)
    announce(f"loading {name}")
    origin = _of_model(model) if isinstance(model, VAE) else _of_entry(entry, registry, overrides)
    source = Source(name, origin.model, parts_of(origin.model), _metadata(origin))
    inputs = parity_inputs(origin.model, origin.load)
    with new_folder(path, force=force) as folder:
        announce(f"writing {to}")
        written = writer(target)(source, folder)
        announce(f"comparing on {inputs.about}")
        checks = compare(written.run, origin.model, inputs, allowed)
        _refuse_difference(checks)
        metrics = origin.entry.metrics if origin.entry else Metrics()
        page = readme(source, to, written, checks, inputs.about, metrics)
        _write_texts(folder, origin.model, written, page)
        write_record(folder, _facts(source, to, checks, inputs, allowed))
    return Exported(path, to, checks, inputs.about)


def _of_entry(entry: Entry | None, registry: Registry, overrides: Sequence[str]) -> _Origin:
    assert entry is not None
    if overrides:
        model = load_model(entry, registry, "cpu", overrides)
    else:  # plugins that only trained the model may be missing
        model = entry.load(registry, "cpu")
    return _Origin(entry.name, model, entry, lambda: load_images(entry, model))


def _of_model(model: VAE) -> _Origin:
    from copy import deepcopy

    from vaezoo.data.loading import load

    copy = deepcopy(model).cpu().eval()
    dataset = model.spec.dataset

    def images() -> ImageData:
        if problem := dataset.problem():
            raise DataError(Diagnostic("VZ601", problem))
        return load(dataset)

    return _Origin(model.spec.name, copy, None, images)


def _metadata(origin: _Origin) -> dict[str, str]:
    """The texts to store in each file."""
    model, entry = origin.model, origin.entry
    spec = json.dumps(model.spec.canonical(), ensure_ascii=False, separators=(",", ":"))
    texts = {
        "vaezoo.version": metadata.version("vaezoo"),
        "vaezoo.name": origin.name,
        "vaezoo.pixels": _PIXELS,
        "vaezoo.spec": entry.header["spec"] if entry else spec,
    }
    if entry:
        texts["vaezoo.lock"] = entry.header["lock"]
        texts["vaezoo.digest"] = entry.header["digest"]
    if model.condition is not None:
        texts["vaezoo.classes"] = json.dumps(model.condition.names, ensure_ascii=False)
    return texts


def _refuse_difference(checks: Sequence[ParityCheck]) -> None:
    failed = [check for check in checks if not check.passed]
    if failed:
        hint = "report it with the name of the model, or accept it with a larger --tolerance"
        raise RunError(
            *(
                Diagnostic("VZ702", f"{c.part}, output {c.output}: {c.text}", hint=hint)
                for c in failed
            )
        )


def _write_texts(folder: Path, model: VAE, written: Written, page: str) -> None:
    if written.script:
        (folder / USE).write_text(written.script, "utf-8")
    (folder / "latents.json").write_text(_latents(model), "utf-8")
    (folder / "README.md").write_text(page, "utf-8")


def _latents(model: VAE) -> str:
    """``_DRAWS`` draws of z as JSON, with labels for a conditional model."""
    labels = model.labels_to_sample(_DRAWS)
    z = model.draw(_DRAWS, torch.Generator().manual_seed(0), labels)
    data: dict[str, Any] = {"z": _rounded(z.tolist())}
    if labels is not None:
        data["label"] = labels.tolist()
    return json.dumps(data, separators=(",", ":")) + "\n"


def _rounded(values: Any) -> Any:
    """Nine significant digits, which are exact for float32."""
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return float(f"{values:.9g}") if isinstance(values, float) else values


def _facts(
    source: Source,
    target: str,
    checks: Sequence[ParityCheck],
    inputs: ParityInputs,
    tolerance: float,
) -> dict[str, Any]:
    return {
        "format": "vaezoo export 1",
        "target": target,
        "name": source.name,
        "vaezoo": source.metadata["vaezoo.version"],
        "torch": torch.__version__,
        "compared_on": inputs.about,
        "tolerance": tolerance,
        "checks": [asdict(check) for check in checks],
    }
