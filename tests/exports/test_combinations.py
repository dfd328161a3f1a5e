"""Every built-in encoder, decoder, posterior and likelihood has parity in ONNX."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch

import vaezoo
from tests.helpers import small_spec
from vaezoo.model import build

NETWORKS = {
    "mlp": ({"use": "mlp", "hidden": [8]}, {"use": "mlp", "hidden": [8]}),
    "conv": (
        {"use": "conv", "channels": [4]},
        {"use": "conv_transpose", "channels": [4]},
    ),
}
POSTERIORS = {
    "diagonal_gaussian": ("mean", "log_var"),
    "softplus": ("mean", "log_var"),
    "full_covariance": ("mean", "factor"),
    "laplace": ("mean", "log_scale"),
}
LIKELIHOODS = ("bernoulli", "continuous_bernoulli", "gaussian", "mse")
ALL = list(product(NETWORKS, POSTERIORS, LIKELIHOODS))
#: Each takes seconds, so the others are slow tests.
FAST = {("conv", "full_covariance", "continuous_bernoulli")}


@pytest.mark.parametrize(
    ("network", "posterior", "likelihood"),
    [
        pytest.param(*one, marks=[] if one in FAST else pytest.mark.slow, id="-".join(one))
        for one in ALL
    ],
)
def test_onnx_has_parity(network: str, posterior: str, likelihood: str, folder: Path) -> None:
    pytest.importorskip("onnxscript")
    softplus = {"use": "diagonal_gaussian", "scale": "softplus"}
    parts = {
        "latent": 3,
        "encoder": NETWORKS[network][0],
        "decoder": NETWORKS[network][1],
        "posterior": softplus if posterior == "softplus" else posterior,
        "likelihood": likelihood,
    }
    model = build(small_spec(model=parts))
    with torch.no_grad():  # values as after training, not those near zero of a new network
        for tensor in model.parameters():
            tensor.mul_(2)
    exported = vaezoo.export(model.eval(), "onnx", folder)
    assert [check.output for check in exported.checks] == [*POSTERIORS[posterior], "image"]
    assert all(check.difference < 1e-4 for check in exported.checks)


@pytest.mark.slow
def test_a_grid_of_latents_has_parity(folder: Path) -> None:
    pytest.importorskip("onnxscript")
    encoder, decoder = NETWORKS["conv"]
    spec = small_spec(model={"latent": [2, 3, 3], "encoder": encoder, "decoder": decoder})
    assert vaezoo.export(build(spec).eval(), "onnx", folder).checks
