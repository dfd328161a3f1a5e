"""A spec that is valid, and a way to write specs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vaezoo.registry import Registry, discover

GOOD = """\
vaezoo: 1
name: probe
dataset: fashion_mnist
model:
  latent: 2
  encoder: {use: mlp, hidden: [400]}
  decoder: {use: mlp, hidden: [400]}
train:
  epochs: 3
ignore: [VZ412]
"""

Write = Callable[..., Path]


@pytest.fixture
def registry() -> Registry:
    return discover()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = GOOD, name: str = "spec.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
