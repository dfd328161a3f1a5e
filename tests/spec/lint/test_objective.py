"""β, the likelihood's scale, and the pixels."""

from __future__ import annotations

import math

import pytest
import torch

from tests.helpers import registry_with
from vaezoo.components.nets.likelihood_nets import GaussianNet, SquaredErrorNet
from vaezoo.registry import Dataset, ImageShape, Likelihood, Loss

MSE, BERNOULLI = "model.likelihood=mse", "model.likelihood=bernoulli"


def fixed(scale: float) -> str:
    return f"model.likelihood={{use: gaussian, scale: {scale}}}"


def test_beta_with_a_fixed_scale_is_reported_as_a_scale(found) -> None:
    (warning,) = found(fixed(0.2), "loss.beta=4")
    assert warning.code == "VZ411"
    assert "fixed at σ = 0.2, β = 4 is the same as β = 1 with σ = 0.4" in warning.message
    assert "relative to σ = 1, the KL weight is 0.16" in warning.message
    assert warning.span.source == "--set loss.beta=4"


def test_the_arithmetic_of_effective_beta_holds_for_the_modules() -> None:
    """L(σ, β) = β·L(σ√β, 1) + constant, and σ²·L(σ, β) = L(1, βσ²) + constant."""
    images, kl = torch.rand(5, 1, 4, 4).double(), torch.rand(5).double()
    first, second = torch.randn(2, 5, 1, 4, 4).double()
    sigma, beta = 0.2, 4.0

    def objective(deviation: float, weight: float, parameters: torch.Tensor) -> torch.Tensor:
        return -GaussianNet(deviation, "sigmoid").log_prob(images, parameters) + weight * kl

    def change(deviation: float, weight: float) -> torch.Tensor:
        """What moving the decoder's output does to the objective: free of constants."""
        return objective(deviation, weight, first) - objective(deviation, 3 * weight, second)

    wide = sigma * math.sqrt(beta)
    torch.testing.assert_close(change(sigma, beta), beta * change(wide, 1.0), rtol=1e-6, atol=0)
    torch.testing.assert_close(
        sigma**2 * change(sigma, beta), change(1.0, beta * sigma**2), rtol=1e-6, atol=0
    )
    squared = SquaredErrorNet("sigmoid")
    gaussian = GaussianNet(math.sqrt(0.5), "sigmoid")
    torch.testing.assert_close(
        squared.log_prob(images, first) - squared.log_prob(images, second),
        gaussian.log_prob(images, first) - gaussian.log_prob(images, second),
        rtol=1e-6,
        atol=1e-6,
    )


def test_no_pixel_varies_by_more_than_the_widest_scale() -> None:
    pixels = (torch.arange(100_000) % 2).double()
    assert pixels.std(correction=0).item() == 0.5
    assert torch.rand(100_000).std().item() < 0.5


@pytest.mark.parametrize(
    ("changes", "codes_"),
    [
        ((fixed(0.2),), []),
        ((fixed(0.2), "loss.beta=1"), []),
        (("loss.beta=4",), []),  # the scale is learned
        ((BERNOULLI, "loss.beta=4", "ignore=[VZ412]"), []),
        ((fixed(0.2), "loss.beta={linear: [0, 1], epochs: 10}"), []),
        ((fixed(0.2), "loss.beta={linear: [0, 1], epochs: 60}"), ["VZ411"]),  # ends at ½
        ((fixed(0.2), "loss.beta={linear: [0, 4], epochs: 10}"), ["VZ411"]),
        ((MSE, "loss.beta=0.1"), ["VZ411"]),  # deviation 0.22, which suits
        ((MSE,), ["VZ413"]),
        ((MSE, "loss.beta=4"), ["VZ411", "VZ413"]),
        ((fixed(0.501),), ["VZ413"]),
        ((fixed(0.5),), []),
        ((fixed(0.02),), []),
        ((fixed(0.019),), ["VZ413"]),
        ((fixed(0.1), "loss.beta=100"), ["VZ411", "VZ413"]),  # deviation 1
        ((fixed(1.5e154), "loss.beta=2"), ["VZ411", "VZ413"]),  # whose square is no float
    ],
)
def test_scales_and_weights(codes, changes, codes_) -> None:
    assert sorted(codes(*changes)) == codes_


def test_a_beta_for_averaged_terms_is_converted(found) -> None:
    (warning,) = found("loss.beta=0.00025")
    assert warning.code == "VZ411"
    assert "averages over the 784 pixels, this β corresponds to 0.196 here" in warning.hint


def test_a_beta_of_nothing_is_doubted(found) -> None:
    (warning,) = found("loss.beta={linear: [1, 0], epochs: 5}")
    assert "β ends at 0" in warning.message


def test_a_beta_of_nothing_has_no_scale(codes) -> None:
    assert codes(MSE, "loss.beta=0") == ["VZ411"]


class Capacity(Loss, use="capacity"):
    beta: float = 9.0

    def build(self):
        raise NotImplementedError


def test_a_loss_without_kl_weight_is_not_checked(codes) -> None:
    assert codes(fixed(0.2), "loss=capacity", registry=registry_with(Capacity)) == []


class Laplace(Likelihood, use="laplace"):
    def build(self, image: ImageShape):
        raise NotImplementedError


class Inks(Dataset, use="inks"):
    known: bool | None = True

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 8, 8)

    @property
    def binary(self) -> bool | None:
        return self.known

    def build(self):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("dataset", "codes_"),
    [
        ("{use: inks, known: true}", []),
        ("{use: inks, known: null}", []),
        ("{use: inks, known: false}", ["VZ412"]),
        ("fashion_mnist", ["VZ412"]),
        ("cifar10", ["VZ412"]),
    ],
)
def test_a_coin_for_each_pixel_wants_black_and_white(codes, dataset: str, codes_) -> None:
    found = codes(f"dataset={dataset}", BERNOULLI, registry=registry_with(Inks))
    assert found == codes_


def test_a_likelihood_of_a_plugin_is_let_be(codes) -> None:
    assert codes("model.likelihood=laplace", registry=registry_with(Laplace)) == []
