"""The Python interface of a model."""

from __future__ import annotations

import copy
import io
import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.helpers import Blobs, registry_with, small_spec, spec_data
from vaezoo.model import VAE, DiagonalGaussian, build
from vaezoo.registry import Encoder, ImageShape, Prior
from vaezoo.registry.module_contracts import LatentSpace, Shape
from vaezoo.spec import from_data


class NormedNet(nn.Module):
    def __init__(self, inputs: int, output: Shape) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs)
        self.both = nn.Sequential(nn.Linear(inputs, math.prod(output)), nn.Unflatten(1, output))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.both(self.norm(images.flatten(1)))


class NormedEncoder(Encoder, use="normed"):
    """Batch normalization, then one layer."""

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        return NormedNet(math.prod(image), output)


class OneImagePriorNet(nn.Module):
    def bind(self, image: ImageShape, posterior) -> None:
        self.image = nn.Parameter(torch.rand(1, *image))
        self.posterior = posterior

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        return self.posterior(self.image).log_prob(z)

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return self.posterior(self.image.expand(count, -1, -1, -1)).sample(generator)

    def kl(self, posterior) -> None:
        return None


class OneImagePrior(Prior, use="one_image"):
    """q(z|x) of a learned image x."""

    def build(self, space: LatentSpace) -> Any:
        return OneImagePriorNet()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return Blobs().build().test.images[:16]


@pytest.fixture
def model() -> VAE:
    return build(small_spec())


@pytest.fixture
def normed() -> VAE:
    model_ = {"latent": 3, "encoder": "normed"}
    return build(from_data(spec_data(model=model_), registry_with(Blobs, NormedEncoder)))


@pytest.fixture
def bound() -> VAE:
    model_ = {"latent": 3, "encoder": {"use": "mlp", "hidden": [8]}, "prior": "one_image"}
    return build(from_data(spec_data(model=model_), registry_with(Blobs, OneImagePrior)))


def test_a_bound_prior_uses_the_encoder(bound: VAE) -> None:
    assert cast("Any", bound.prior).image.shape == (1, 1, 6, 6)
    z = torch.randn(4, 3)
    before = bound.prior.log_prob(z)
    with torch.no_grad():
        bound.encoder.head.layers[0].bias += 1
    assert not torch.allclose(bound.prior.log_prob(z), before)
    bound.prior.log_prob(z).sum().backward()
    assert bound.encoder.head.layers[0].weight.grad.any()
    assert cast("Any", bound.prior).image.grad.any()
    assert bound.sample(5).shape == (5, 1, 6, 6)


def test_a_bound_prior_saves_only_its_own_tensors(bound: VAE) -> None:
    assert [name for name in bound.state_dict() if name.startswith("prior.")] == ["prior.image"]
    assert len(list(bound.parameters())) == len(bound.state_dict())


def test_a_copy_of_a_bound_prior_uses_the_copied_encoder(bound: VAE) -> None:
    other, z = copy.deepcopy(bound), torch.randn(4, 3)
    before = bound.prior.log_prob(z)
    with torch.no_grad():
        for parameter in other.encoder.parameters():
            parameter.add_(1)
    assert torch.equal(bound.prior.log_prob(z), before)
    assert not torch.allclose(other.prior.log_prob(z), before)


def test_shapes_and_ranges(model: VAE, images: torch.Tensor) -> None:
    z = model.encode(images)
    assert z.shape == (16, 2)
    for made, count in (
        (model.decode(z), 16),
        (model.reconstruct(images), 16),
        (model.sample(5), 5),
    ):
        assert made.shape == (count, 1, 6, 6)
        assert made.dtype == torch.float32
        assert made.min() >= 0
        assert made.max() <= 1


def test_uint8_float_and_numpy_images_give_the_same_result(
    model: VAE, images: torch.Tensor
) -> None:
    expected = model.encode(images)
    for same in (images / 255, (images / 255).double(), images.numpy(), images.numpy() / 255):
        assert torch.allclose(model.encode(same), expected, atol=1e-6)


def test_read_only_arrays_give_no_warning(model: VAE, images: torch.Tensor) -> None:
    array = images.numpy().copy()
    array.flags.writeable = False  # like the pixels of a PIL image
    assert torch.equal(model.encode(array), model.encode(images))


def test_images_are_not_changed(model: VAE, images: torch.Tensor) -> None:
    floats = images / 255
    before = floats.clone()
    model.reconstruct(floats)
    assert torch.equal(floats, before)


def test_encode_returns_the_posterior_mean(model: VAE, images: torch.Tensor) -> None:
    with torch.no_grad():
        posterior = model.posterior(images / 255)
    assert torch.equal(model.encode(images), posterior.mean)
    assert torch.equal(model.reconstruct(images), model.decode(posterior.mean))


def test_encode_and_reconstruct_are_deterministic(model: VAE, images: torch.Tensor) -> None:
    model.train()
    state = torch.get_rng_state()
    assert torch.equal(model.encode(images), model.encode(images))
    assert torch.equal(model.reconstruct(images), model.reconstruct(images))
    assert torch.equal(torch.get_rng_state(), state)


def test_samples_depend_on_the_seed(model: VAE) -> None:
    torch.manual_seed(1)
    first = model.sample(4, seed=1)
    torch.manual_seed(2)
    assert torch.equal(model.sample(4, seed=1), first)
    assert not torch.equal(model.sample(4, seed=2), first)
    assert not torch.equal(first[0], first[1])


def test_more_samples_start_with_the_same_ones(model: VAE) -> None:
    assert torch.allclose(model.sample(1500)[:16], model.sample(16), atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (torch.zeros(1, 6, 6), r"\(1, 6, 6\), expected \(B, 1, 6, 6\)"),
        (torch.zeros(2, 3, 6, 6), r"\(2, 3, 6, 6\), expected \(B, 1, 6, 6\)"),
        (torch.zeros(2, 6, 6, 1), r"expected \(B, 1, 6, 6\)"),
        (torch.zeros(2, 1, 5, 6), r"expected \(B, 1, 6, 6\)"),
        (torch.tensor(0.5), r"expected \(B, 1, 6, 6\)"),
        (torch.full((2, 1, 6, 6), 1.5), "between 0 and 1"),
        (torch.full((2, 1, 6, 6), -0.1), "between 0 and 1"),
        (torch.full((2, 1, 6, 6), float("nan")), "between 0 and 1"),
        (torch.full((2, 1, 6, 6), 255), "uint8"),
    ],
)
def test_wrong_images_are_refused(model: VAE, wrong: torch.Tensor, says: str) -> None:
    for method in (model.encode, model.reconstruct):
        with pytest.raises(ValueError, match=says):
            method(wrong)


@pytest.mark.parametrize("wrong", [torch.zeros(2), torch.zeros(2, 3), torch.zeros(1, 2, 2)])
def test_wrong_latents_are_refused(model: VAE, wrong: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 2\)"):
        model.decode(wrong)


def test_no_samples_are_refused(model: VAE) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        model.sample(0)


def test_latents_may_be_numbers_in_lists(model: VAE) -> None:
    assert torch.equal(model.decode([[0, 1.5]]), model.decode(np.array([[0, 1.5]])))


def test_encoding_does_not_depend_on_the_batch(normed: VAE, images: torch.Tensor) -> None:
    normed.train()
    with torch.no_grad():
        for _ in range(5):
            normed.posterior(images / 255)  # sets running statistics
    running = normed.encoder.norm.running_mean.clone()
    together = normed.encode(images)
    alone = torch.cat([normed.encode(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.equal(cast("Any", normed.encoder).norm.running_mean, running)
    assert normed.training
    assert normed.encoder.norm.training


def test_every_module_keeps_its_mode(normed: VAE, images: torch.Tensor) -> None:
    normed.train()
    normed.encoder.norm.eval()  # frozen, as in fine-tuning
    normed.reconstruct(images)
    normed.sample(2)
    assert normed.training
    assert normed.decoder.training
    assert not normed.encoder.norm.training


def test_the_mode_is_restored_after_an_error(model: VAE) -> None:
    model.train()
    with pytest.raises(ValueError, match="expected"):
        model.encode(torch.zeros(1))
    assert model.training


def test_a_notebook_shows_a_png(model: VAE) -> None:
    with Image.open(io.BytesIO(model._repr_png_())) as picture:
        assert picture.format == "PNG"
        assert picture.size == (10 * 14 + 2, 5 * 14 + 2)


def test_the_log_density_of_a_posterior_equals_torchs() -> None:
    mean, log_var, z = torch.randn(3, 7, 4, dtype=torch.float64)
    expected = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(z).sum(1)
    assert torch.allclose(DiagonalGaussian(mean, log_var).log_prob(z), expected)


def test_samples_of_a_posterior_have_its_moments() -> None:
    mean, log_var = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 2.0]]).log1p()
    many = DiagonalGaussian(mean.expand(200_000, 2), log_var.expand(200_000, 2))
    drawn = many.sample(torch.Generator().manual_seed(0))
    assert torch.allclose(drawn.mean(0), mean[0], atol=0.02)
    assert torch.allclose(drawn.std(0), (0.5 * log_var[0]).exp(), atol=0.02)
