"""The examples of ``vaezoo explain`` as files, for tests and for the page of codes."""

from __future__ import annotations

import re
from pathlib import Path

from vaezoo.diagnostics.explanations import Example

#: What an example leaves out, by key. It gives neither an error nor a warning.
BASE = {
    "vaezoo": "vaezoo: 1",
    "name": "name: example",
    "dataset": "dataset: mnist",
    "model": "model:\n"
    "  latent: 2\n"
    "  encoder: {use: mlp, hidden: [400]}\n"
    "  decoder: {use: mlp, hidden: [400]}\n"
    "  likelihood: continuous_bernoulli",
    "train": "train:\n  epochs: 10",
}
SPEC, _BASE = "example.yaml", "_base.yaml"


def write_files(example: Example, folder: Path) -> list[Path]:
    """Write what stands beside an example; the plugins among it."""
    for name, text in example.beside.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", "utf-8")
    return [folder / name for name in example.beside if name.endswith(".py")]


def write_spec(example: Example, folder: Path) -> Path:
    """Write the spec that an example in YAML is, or is a part of, and the base of the part.

    The example's own lines come first, so that they have the numbers that a reader expects.
    """
    path = folder / SPEC
    path.write_text(f"{_completed(example.text)}\n", "utf-8")
    (folder / _BASE).write_text("\n".join(BASE.values()) + "\n", "utf-8")
    return path


def _completed(text: str) -> str:
    if re.search(r"^(- )?name:", text, re.MULTILINE):
        return text
    if not re.search(r"^extends:", text, re.MULTILINE):
        return f"{text}\nextends: {_BASE}"
    written = re.findall(r"^(\w+):", text, re.MULTILINE)
    return "\n".join([text, *(part for key, part in BASE.items() if key not in written)])
