"""``use.py``: a short program that uses the exported files without vaezoo."""

from __future__ import annotations

from vaezoo.exports.source import DECODER, ENCODER, Source

_ONNX = '''"""Decode latents of {name} to images, and encode the images again."""
import json, pathlib
import numpy as np
import onnxruntime

here = pathlib.Path(__file__).parent
encoder, decoder = (
    onnxruntime.InferenceSession(here / f"{{part}}.onnx") for part in ("encoder", "decoder")
)
given = json.loads((here / "latents.json").read_text())  # drawn by the model's sampler
z = np.array(given["z"], dtype=np.{z_type})
{label}images = decoder.run(None, {{"z": z{with_label}}})[0]  # (N, C, H, W) in [0, 1]
print("images", images.shape, f"mean {{images.mean():.3f}}")
outputs = encoder.run(None, {{"image": images{with_label}}})
for output, value in zip(encoder.get_outputs(), outputs):
    print(output.name, value.shape)
'''
_TORCH = '''"""Decode latents of {name} to images, and encode the images again."""
import json, pathlib
import torch

here = pathlib.Path(__file__).parent
encoder, decoder = (
    torch.export.load(here / f"{{part}}.pt2").module() for part in ("encoder", "decoder")
)
given = json.loads((here / "latents.json").read_text())  # drawn by the model's sampler
z = torch.tensor(given["z"], dtype=torch.{z_type})
{label}images = decoder(z{with_label})["image"]  # (N, C, H, W) in [0, 1]
print("images", tuple(images.shape), f"mean {{images.mean():.3f}}")
for name, value in encoder(images{with_label}).items():
    print(name, tuple(value.shape))
'''


def onnx_script(source: Source) -> str:
    """The program for ONNX Runtime and NumPy."""
    label = 'label = np.array(given["label"], dtype=np.int64)\n'
    return _filled(_ONNX, source, label, ', "label": label')


def torch_script(source: Source) -> str:
    """The program for PyTorch."""
    return _filled(_TORCH, source, 'label = torch.tensor(given["label"])\n', ", label")


def _filled(template: str, source: Source, label: str, with_label: str) -> str:
    encoder, decoder = (
        next(part for part in source.parts if part.name == name) for name in (ENCODER, DECODER)
    )
    has_label = "label" in encoder.inputs
    return template.format(
        name=source.name,
        z_type=str(decoder.inputs["z"].dtype).removeprefix("torch."),
        label=label if has_label else "",
        with_label=with_label if has_label else "",
    )
