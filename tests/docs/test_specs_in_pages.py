"""All YAML in the pages is valid: whole specs and parts of specs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.conftest import Block, blocks, write_named
from vaezoo import validate
from vaezoo.registry import Registry, discover

BASE = """\
vaezoo: 1
name: base
dataset: fashion_mnist
model: {latent: 2, encoder: mlp, decoder: mlp}
train: {epochs: 1}
ignore: [VZ412, VZ413]
"""
#: The examples in errors.md are tested in tests/explanations.
YAML = [block for block in blocks("yaml") if block.page != "errors.md"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """The built-in components and those of docs/plugins.md."""
    folder = tmp_path_factory.mktemp("plugins")
    return discover(list(map(str, write_named(blocks("python", "plugins.md"), folder))))


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_valid(block: Block, tmp_path: Path, registry: Registry) -> None:
    write_named(YAML, tmp_path)
    (tmp_path / "_base.yaml").write_text(BASE)
    path = tmp_path / "this.yaml"
    whole = "vaezoo: 1" in block.text or "extends: " in block.text
    path.write_text(block.text if whole else f"extends: _base.yaml\n{block.text}", "utf-8")
    assert validate(path, registry=registry) == ()


def test_invalid_part_is_found(tmp_path: Path) -> None:
    (tmp_path / "_base.yaml").write_text(BASE)
    (tmp_path / "this.yaml").write_text("extends: _base.yaml\nmodel: {encoder: {use: mlpp}}\n")
    assert [finding.code for finding in validate(tmp_path / "this.yaml")] == ["VZ301"]


def test_overrides_in_the_page_are_valid(tmp_path: Path) -> None:
    write_named(YAML, tmp_path)
    overrides = (
        "model.encoder={use: mlp, hidden: [400]}",
        "visualizers.0=samples",
        "loss.beta=4",
        "train.epochs=2",
        "model.decoder=mlp",
    )
    page = "".join(block.text for block in blocks("sh", "spec.md"))
    assert all(override in page for override in overrides[:4])
    found = validate(tmp_path / "my_vae.yaml", overrides=overrides)
    assert [finding.code for finding in found] == ["VZ419"], "patience 5 in 2 epochs"
