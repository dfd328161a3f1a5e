"""Falsifications: an entry with a false statement in one of its files.

Each is tried as a change of one file, and with updated seals of header and manifest. ``verify``
must always find the first. It must find the second if weights, spec and data determine the true
value; for the others, a signature says who published the entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaezoo.system import safetensors_io
from vaezoo.zoo.entry import CARD, HISTORY, MANIFEST, METRICS, SPEC, WEIGHTS, Entry
from vaezoo.zoo.header import sealed
from vaezoo.zoo.manifest import manifest_text

Change = Callable[[Any], object]


@dataclass(frozen=True)
class Falsification:
    """``follows`` is whether weights, spec and data determine the true value."""

    what: str
    give: Callable[[Path], object]
    follows: bool = True


def reseal(folder: Path) -> None:
    """Update header and manifest to the changed files."""
    tensors, texts = safetensors_io.load(folder / WEIGHTS)
    safetensors_io.save(folder / WEIGHTS, tensors, sealed(texts))
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).write_text(manifest_text(Entry(folder, folder.name), {}), "utf-8")


def falsifications() -> list[Falsification]:
    """All kinds."""
    figure, target = _in("figures"), _in("targets")
    return [
        Falsification("verdict", target("verdict", "better")),
        Falsification("direction of a target", target("better", "lower")),
        Falsification("figure of a target", target("figure", -1.0)),
        Falsification("published value", target("value", -1.0)),
        Falsification("tolerance", target("tolerance", 99.0)),
        Falsification("source of a target", target("source", "a better paper")),
        Falsification("explanation of a target", target("note", "The source is wrong.")),
        Falsification("targets removed", _metrics(lambda data: data.update(targets=[]))),
        Falsification("value of a figure", figure("value", -1.0)),
        Falsification("standard error", figure("standard_error", 1e-6)),
        Falsification("unit", figure("unit", "bits per pixel")),
        Falsification("likelihood", figure("likelihood", "gaussian")),
        Falsification("binarisation", figure("binarisation", "static")),
        Falsification("draws of z", figure("samples", 5000)),
        Falsification("number of examples", figure("examples", 10**6)),
        Falsification("split", figure("split", "validation")),
        Falsification("note of a figure", figure("note", "an exact value")),
        Falsification("description of a figure", _metrics(_described)),
        Falsification("numbers by dimension", _metrics(_by_dimension)),
        Falsification("figure removed", _metrics(lambda data: data["figures"].pop())),
        Falsification("figure added", _metrics(_added)),
        Falsification("notes", _metrics(lambda data: data.update(notes=["No faults."]))),
        Falsification(
            "test images trained on", _metrics(lambda data: data.update(test_is_trained_on=True))
        ),
        Falsification("history emptied", _replaced(HISTORY, lambda text: "")),
        Falsification("history cut", _replaced(HISTORY, lambda text: text[: text.index("\n") + 1])),
        Falsification(
            "history bettered",
            _replaced(HISTORY, lambda text: text.replace('"elbo": -1', '"elbo": -0')),
            follows=False,
        ),
        Falsification("card emptied", _replaced(CARD, lambda text: "")),
        Falsification("card bettered", _replaced(CARD, lambda text: text.replace("-1", "-0"))),
        Falsification(
            "readable spec", _replaced(SPEC, lambda text: text.replace("epochs: ", "epochs: 1"))
        ),
        Falsification("lock's version of vaezoo", _header("lock", _version), follows=False),
        Falsification(
            "lock's version of torch",
            _header("lock", lambda lock: lock.update(torch="1.0")),
            follows=False,
        ),
        Falsification("lock's seed", _header("lock", lambda lock: lock.update(seed=7))),
        Falsification(
            "lock's device", _header("lock", lambda lock: lock["device"].update(threads=64)), False
        ),
        Falsification(
            "lock's dataset", _header("lock", lambda lock: lock["dataset"].update(digest="0" * 64))
        ),
        Falsification("lock's components", _header("lock", lambda lock: lock["components"].pop(1))),
        Falsification("spec's loss", _header("spec", lambda spec: spec["loss"].update(beta=4.0))),
        Falsification("spec's target", _header("spec", _target_of_spec)),
        Falsification("weights", _weights),
        Falsification("pictures exchanged", _exchange, follows=False),
        Falsification("picture removed", lambda folder: _pictures(folder)[0].unlink(), False),
        Falsification("manifest removed", lambda folder: (folder / MANIFEST).unlink(), False),
        Falsification("manifest emptied", _replaced(MANIFEST, lambda text: "{}"), False),
        Falsification("manifest's version", _replaced(MANIFEST, _other_version), False),
    ]


def _metrics(change: Change) -> Callable[[Path], object]:
    def give(folder: Path) -> None:
        data = json.loads((folder / METRICS).read_text("utf-8"))
        change(data)
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        (folder / METRICS).write_text(text, "utf-8")

    return give


def _in(where: str) -> Callable[[str, object], Callable[[Path], object]]:
    """Change the value of the first figure or target."""
    return lambda key, value: _metrics(lambda data: data[where][0].update({key: value}))


def _by_dimension(data: Any) -> None:
    for figure in data["figures"]:
        if figure["per_dimension"]:
            figure["per_dimension"][0] += 1.0


def _described(data: Any) -> None:
    data["figures"][0]["about"].update(caveat="It is exact.")


def _added(data: Any) -> None:
    data["figures"].append({**data["figures"][0], "name": "bits_per_dimension"})


def _replaced(name: str, change: Callable[[str], str]) -> Callable[[Path], object]:
    def give(folder: Path) -> None:
        path = folder / name
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    return give


def _header(key: str, change: Change) -> Callable[[Path], object]:
    """Change a text of the header without updating the seal."""

    def give(folder: Path) -> None:
        tensors, texts = safetensors_io.load(folder / WEIGHTS)
        data = json.loads(texts[key])
        change(data)
        texts[key] = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        safetensors_io.save(folder / WEIGHTS, tensors, texts)

    return give


def _version(lock: Any) -> None:
    for row in lock["components"]:
        row["version"] = "9.9"


def _target_of_spec(spec: Any) -> None:
    spec["targets"][0]["tolerance"] = 99.0


def _weights(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 64
    (folder / WEIGHTS).write_bytes(content)


def _pictures(folder: Path) -> list[Path]:
    return sorted((folder / "figures").iterdir())


def _exchange(folder: Path) -> None:
    one, other, *_ = _pictures(folder)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _other_version(text: str) -> str:
    data = json.loads(text)
    data["vaezoo"] = "9.9"
    return json.dumps(data, indent=1) + "\n"
