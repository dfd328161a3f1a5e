"""JavaScript files hold the decoder of the model."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

import vaezoo
from tests.exports.conftest import conditional


def test_node_decodes_as_the_model_does(tmp_path: Path) -> None:
    model = conditional()
    exported = vaezoo.export(model, "javascript", tmp_path / "out")
    (check,) = exported.checks
    assert check.passed
    assert not (exported.path / "use.py").exists()
    assert "`use.py`" not in (exported.path / "README.md").read_text(encoding="utf-8")
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    z = [0.5, -1.0, *[0.25] * (model.latent - 2)]
    command = [node, "decode.cjs", *map(str, z)]
    done = subprocess.run(command, cwd=exported.path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    expected = model.decode(torch.tensor([z]), torch.tensor([0]))[0]
    assert found["shape"] == list(expected.shape)
    torch.testing.assert_close(
        torch.tensor(found["image"]).view_as(expected), expected, rtol=0, atol=2e-3
    )
