"""An end-to-end run on real images: one epoch of ``fashion_mlp2``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vaezoo
from vaezoo.components.datasets.shipped import FashionMNIST

SPEC = Path(__file__).parent.parent.parent / "specs" / "fashion_mlp2.yaml"


def test_one_epoch_of_fashion_mlp2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEZOO_ZOO", raising=False)
    entry = vaezoo.run(SPEC, overrides=["train.epochs=1"], device="cpu")
    (record,) = entry.history
    assert record.validation is not None
    elbo = entry.metrics.figure("test/elbo")
    assert elbo is not None
    assert elbo.examples == 10_000
    # better than a broken model, worse than several epochs
    assert -292 < elbo.value < -268
    assert record.validation["elbo"] == pytest.approx(elbo.value, abs=5)
    assert record.train["elbo"] < record.validation["elbo"]  # the mean over an improving model

    model = entry.load()
    images = FashionMNIST().build().test.images[:1000]
    assert model.encode(images).shape == (1000, 2)
    error = (model.reconstruct(images) - images / 255).square().mean()
    assert error < 0.7 * (images / 255).var(0).mean()  # far better than the mean image
    assert torch.equal(model.sample(50), vaezoo.load("fashion_mlp2").sample(50))
    assert {path.stem for path in entry.figures} == {v.use for v in model.spec.visualizers}
