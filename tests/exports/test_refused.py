"""What cannot be exported is named, with the operator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from tests.helpers import small_spec
from vaezoo.diagnostics import VaezooError
from vaezoo.model import VAE, build


class Bessel(nn.Module):
    """ONNX has no Bessel functions."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, z: Tensor) -> Tensor:
        return torch.special.bessel_j1(self.decoder(z))


class Branching(Bessel):
    def forward(self, z: Tensor) -> Tensor:
        return self.decoder(z) if z.sum() > 0 else self.decoder(-z)


def model_with(decoder: type[Bessel]) -> VAE:
    model = build(small_spec(name="odd"))
    model.decoder = decoder(model.decoder)
    return model.eval()


def test_an_operator_without_counterpart_is_named(folder: Path) -> None:
    pytest.importorskip("onnxscript")
    with pytest.raises(VaezooError, match=r"VZ701.*decoder.*bessel_j1") as caught:
        vaezoo.export(model_with(Bessel), "onnx", folder)
    assert caught.value.exit_code == 3
    assert list(folder.parent.iterdir()) == []


def test_torch_takes_that_operator(folder: Path) -> None:
    assert vaezoo.export(model_with(Bessel), "torch", folder).checks


def test_a_branch_on_values_is_refused(folder: Path) -> None:
    with pytest.raises(VaezooError, match=r"VZ701: the decoder cannot be exported: .*branching"):
        vaezoo.export(model_with(Branching), "torch", folder)
    assert list(folder.parent.iterdir()) == []


def test_diffusers_says_which_layout_would_fit(folder: Path) -> None:
    with pytest.raises(VaezooError, match=r"latents are 2, not a grid.*GroupNorm"):
        vaezoo.export(build(small_spec()).eval(), "diffusers", folder)
    networks = {
        "encoder": {"use": "conv", "channels": [4]},
        "decoder": {"use": "conv_transpose", "channels": [4]},
    }
    grid = small_spec(model={"latent": [2, 3, 3], **networks})
    with pytest.raises(VaezooError, match="do not have the layers of an AutoencoderKL"):
        vaezoo.export(build(grid).eval(), "diffusers", folder)
