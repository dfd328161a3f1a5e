from __future__ import annotations

from pathlib import Path

import pytest

import vaezoo
from tests.helpers import small_spec
from vaezoo.exports.export import Exported
from vaezoo.model import VAE, build
from vaezoo.registry import Condition

#: One is named to do harm.
CLASSES = ("a", "b", "<b>|\x1b[31m", "d")


def conditional() -> VAE:
    """An untrained model with four classes."""
    spec = small_spec(name="tiny", model={"condition": "labels"})
    return build(spec, condition=Condition(CLASSES)).eval()


@pytest.fixture(scope="session")
def onnx_export(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An export to ONNX. Do not change its files."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    return vaezoo.export(conditional(), "onnx", tmp_path_factory.mktemp("onnx") / "out")


@pytest.fixture(scope="session")
def torch_export(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An export to torch.export. Do not change its files."""
    return vaezoo.export(conditional(), "torch", tmp_path_factory.mktemp("torch") / "out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A path for an export."""
    return tmp_path / "out"
