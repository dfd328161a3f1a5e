"""The exported files say what they are, hold nothing of this machine, and run without vaezoo."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.exports.conftest import CLASSES, conditional
from vaezoo.exports.export import Exported
from vaezoo.exports.torch_programs import pickles_in

WITHOUT_VAEZOO = "import runpy, sys; sys.modules['vaezoo'] = None; runpy.run_path('use.py')"


@pytest.fixture(params=["onnx_export", "torch_export"])
def exported(request: pytest.FixtureRequest) -> Exported:
    found: Exported = request.getfixturevalue(request.param)
    return found


def opened(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def texts_of(path: Path) -> dict[str, str]:
    """The metadata of a file."""
    if path.suffix == ".onnx":
        return dict(opened(path).get_modelmeta().custom_metadata_map)
    with zipfile.ZipFile(path) as archive:
        return {
            name.partition("/extra/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if "/extra/" in name
        }


def test_parity_is_checked_for_every_output(exported: Exported) -> None:
    outputs = [(check.part, check.output) for check in exported.checks]
    assert outputs == [("encoder", "mean"), ("encoder", "log_var"), ("decoder", "image")]
    assert all(check.passed and check.difference < 1e-5 for check in exported.checks)
    assert exported.images == "64 test images"
    # 64 rows, or 64 means and 64 draws, and one row alone
    assert [check.compared for check in exported.checks] == [65 * 2, 65 * 2, 129 * 36]


def test_the_script_runs_without_vaezoo(exported: Exported) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_VAEZOO],
        cwd=exported.path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("images (16, 1, 6, 6) mean 0.")
    assert lines[1:] == ["mean (16, 2)", "log_var (16, 2)"]
    code = (exported.path / "use.py").read_text("utf-8")
    assert len(code.splitlines()) <= 20
    compile(code, "use.py", "exec")


def test_each_file_says_what_it_is(exported: Exported) -> None:
    for path in exported.path.glob("*coder.*"):
        texts = texts_of(path)
        assert json.loads(texts["vaezoo.spec"])["name"] == texts["vaezoo.name"] == "tiny"
        assert json.loads(texts["vaezoo.classes"]) == list(CLASSES)
        assert "divided by 255" in texts["vaezoo.pixels"]


def test_no_file_holds_a_path_of_this_machine(exported: Exported) -> None:
    hints = (os.fsencode(Path.home()), b"site-packages", b"vaezoo/model", b"torch/nn/modules")
    for path in exported.path.iterdir():
        parts = [path.read_bytes()]
        if path.suffix == ".pt2":
            with zipfile.ZipFile(path) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        for hint in hints:
            assert not any(hint in part for part in parts), (path.name, hint)


def test_each_part_has_only_its_own_weights(exported: Exported) -> None:
    model = conditional()
    for part, module in (("encoder", model.encoder), ("decoder", model.decoder)):
        (path,) = exported.path.glob(f"{part}.*")
        own = sum(4 * tensor.numel() for tensor in module.parameters())
        if path.suffix == ".pt2":
            with zipfile.ZipFile(path) as archive:
                sizes = [m.file_size for m in archive.infolist() if "/weight_" in m.filename]
            # besides them, small constants of the condition
            assert own <= sum(sizes) <= own + 64
        else:
            import onnx

            tensors = onnx.load(path).graph.initializer
            floats = [t for t in tensors if t.data_type == onnx.TensorProto.FLOAT]
            assert own <= sum(4 * int(np.prod(t.dims)) for t in floats) <= own + 64


def test_programs_of_torch_hold_no_pickle(torch_export: Exported, tmp_path: Path) -> None:
    for part in ("encoder", "decoder"):
        assert pickles_in(torch_export.path / f"{part}.pt2") == []
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(3, 2),))
    torch.export.save(program, tmp_path / "plain.pt2")
    assert len(pickles_in(tmp_path / "plain.pt2")) == 1  # example inputs


def test_onnx_names_its_inputs_outputs_and_rows(onnx_export: Exported) -> None:
    encoder, decoder = (opened(onnx_export.path / f"{n}.onnx") for n in ("encoder", "decoder"))
    ends = [(one.name, one.shape) for one in (*encoder.get_inputs(), *encoder.get_outputs())]
    assert ends == [
        ("image", ["batch", 1, 6, 6]),
        ("label", ["batch"]),
        ("mean", ["batch", 2]),
        ("log_var", ["batch", 2]),
    ]
    assert [one.name for one in (*decoder.get_inputs(), *decoder.get_outputs())] == [
        "z",
        "label",
        "image",
    ]


def test_an_unknown_class_is_minus_one(onnx_export: Exported) -> None:
    model = conditional()
    z, label = torch.randn(7, 2), torch.full((7,), -1)
    decoder = opened(onnx_export.path / "decoder.onnx")
    (image,) = decoder.run(None, {"z": z.numpy(), "label": label.numpy()})
    assert np.abs(image - model.decode(z, -1).numpy()).max() < 1e-5


def test_the_record_has_the_digest_of_each_file(exported: Exported) -> None:
    record = json.loads((exported.path / "export.json").read_text("utf-8"))
    names = {path.name for path in exported.path.iterdir()}
    assert set(record["files"]) == names - {"export.json"}
    for name, digest in record["files"].items():
        assert hashlib.sha256((exported.path / name).read_bytes()).hexdigest() == digest
    assert record["compared_on"] == "64 test images"


def test_latents_are_those_of_the_model(exported: Exported) -> None:
    data = json.loads((exported.path / "latents.json").read_text("utf-8"))
    drawn = conditional().draw(16, torch.Generator().manual_seed(0))
    assert torch.equal(torch.tensor(data["z"]), drawn)
    assert data["label"] == [n % 4 for n in range(16)]


def test_the_readme_tells_how_to_use_them(exported: Exported) -> None:
    text = (exported.path / "README.md").read_text("utf-8")
    assert "python use.py" in text
    assert "| decoder | input | `label` | (batch) | int64 |" in text
    assert "Labels: 0 a, 1 b, 2 " in text
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "names no license" in text
    for check in exported.checks:
        assert check.text in text
