"""A model as a folder of JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from tests.explorer.conftest import largest_difference, small_model
from vaezoo.explorer import NotExportable, write_javascript
from vaezoo.zoo.search import shipped_folder


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_script_decodes_as_the_model_does(tmp_path: Path) -> None:
    model = vaezoo.load(shipped_folder() / "mnist_nvae2")
    paths = write_javascript(model, tmp_path)
    assert [path.name for path in paths] == ["engine.js", "model.js", "index.html", "decode.cjs"]
    assert all(path.is_file() for path in paths)
    command = ["node", "decode.cjs", "0.5", "-1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["shape"] == [1, 28, 28]
    assert largest_difference(found["image"], model.decode([[0.5, -1.0]])) < 1e-5


class _Random(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.randn(1, 1, 6, 6) + z.sum()


def test_nothing_is_written_for_a_model_that_cannot_be_exported(tmp_path: Path) -> None:
    model = small_model()
    model.decoder = _Random()
    with pytest.raises(NotExportable, match="randn draws random numbers"):
        write_javascript(model, tmp_path)
    assert list(tmp_path.iterdir()) == []
