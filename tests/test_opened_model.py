"""Models of any modules, latents of any shape, and weights from before both."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.helpers import Blobs
from vaezoo.components.decoders import MLPDecoder
from vaezoo.components.encoders import MLPEncoder
from vaezoo.components.likelihoods import Bernoulli
from vaezoo.components.priors import StandardNormal
from vaezoo.model import VAE, build
from vaezoo.registry import Batch, ImageShape
from vaezoo.registry.module_contracts import LatentSpace
from vaezoo.testing import small_model, small_spec

SIZE = ImageShape(1, 6, 6)


def of_modules() -> VAE:
    """A VAE of four modules."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(36, 6), nn.Unflatten(1, (2, 3)))
    decoder = nn.Sequential(nn.Linear(3, 36), nn.Unflatten(1, SIZE))
    prior = StandardNormal().build(LatentSpace((3,)))
    return VAE(SIZE, 3, encoder, decoder, Bernoulli().build(SIZE), prior)


def test_modules_without_a_spec_train_in_a_plain_loop() -> None:
    torch.manual_seed(0)
    model, images = of_modules(), Blobs().build().train.images.float() / 255
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(60):
        trace = model.trace(Batch(images), generator)
        loss = (trace.reconstruction + trace.kl).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert model.sample(5).shape == (5, *SIZE)


def test_forward_gives_mean_images_with_gradients() -> None:
    model, images = of_modules(), torch.rand(4, *SIZE)
    made = model(images)
    torch.testing.assert_close(made.detach(), model.reconstruct(images))
    assert 0 <= made.min() <= made.max() <= 1
    made.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_model_of_modules_says_that_it_has_no_spec() -> None:
    model = of_modules()
    with pytest.raises(AttributeError, match="this model was made of modules and has no spec"):
        _ = model.spec
    assert not hasattr(model, "spec")


def test_weights_with_old_names_load() -> None:
    model, other = small_model(seed=1), small_model(seed=2)
    old = {}
    for name, value in model.state_dict().items():
        for number, called in enumerate(("mean", "log_var")):
            name = name.replace(f"encoder.head.layers.{number}.", f"encoder.head.{called}.")
        old[name] = value
    assert "encoder.head.log_var.bias" in old
    other.load_state_dict(old)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


def test_a_grid_of_latents_trains_and_samples() -> None:
    spec = small_spec(ImageShape(1, 28, 28), [4, 7, 7], encoder="conv", decoder="conv_transpose")
    assert spec.model.latent_size == 4 * 7 * 7
    model, images = build(spec), torch.rand(8, 1, 28, 28)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = spec.train.optimizer.build(model.parameters(), 1e-2)
    weights = {"beta": 1.0, "free_bits": 0.0}
    terms = spec.loss.build()(model, Batch(images), weights, torch.Generator().manual_seed(0))
    terms["objective"].mean().backward()
    optimizer.step()
    moved = [(old != new).any() for old, new in zip(before, model.parameters(), strict=True)]
    assert all(moved)
    assert model.encode(images).shape == (8, 4, 7, 7)
    assert model.sample(3).shape == (3, 1, 28, 28)
    assert model.trace(Batch(images), torch.Generator()).kl_by_dimension.shape == (8, 196)


def test_perceptrons_take_grids() -> None:
    latents = (2, 3, 4)
    encoded = MLPEncoder(hidden=(9,)).build(SIZE, (2, *latents))(torch.rand(5, *SIZE))
    assert encoded.shape == (5, 2, *latents)
    decoder = MLPDecoder(hidden=(9,)).build(latents, SIZE)
    assert decoder(encoded[:, 0]).shape == (5, *SIZE)
