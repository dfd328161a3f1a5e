"""Squared error, structural similarity, and samples in a classifier's features."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

import vaezoo
from tests.components.linear_gaussian import context, linear_gaussian
from tests.helpers import built_in
from vaezoo.components.nets.classifier import shipped_classifier
from vaezoo.components.nets.image_quality import ssim
from vaezoo.components.nets.sample_quality import (
    frechet_distance,
    kernel_distances,
    precision_and_recall,
)
from vaezoo.data.pixels import to_unit
from vaezoo.diagnostics import UsageError
from vaezoo.registry.fields import Binarization


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_an_image_is_wholly_similar_to_itself() -> None:
    images = random(3, 2, 20, 17)
    assert torch.allclose(ssim(images, images), torch.ones(3, dtype=torch.float64))


def test_constant_images_differ_by_their_luminance_alone() -> None:
    one, other = (torch.full((1, 1, 16, 16), v, dtype=torch.float64) for v in (0.2, 0.5))
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.5 + c1) / (0.2**2 + 0.5**2 + c1)
    assert ssim(one, other).item() == pytest.approx(expected, rel=1e-3)


def test_similarity_is_the_formula_at_the_one_place_of_a_window() -> None:
    one, other = random(11, 11, seed=1), random(11, 11, seed=2)
    axis = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    window = torch.outer(axis, axis)
    window /= window.sum()
    mean, other_mean = (window * one).sum(), (window * other).sum()
    variance = (window * (one - mean) ** 2).sum()
    other_variance = (window * (other - other_mean) ** 2).sum()
    covariance = (window * (one - mean) * (other - other_mean)).sum()
    expected = (2 * mean * other_mean + 0.0001) * (2 * covariance + 0.0009)
    expected /= (mean**2 + other_mean**2 + 0.0001) * (variance + other_variance + 0.0009)
    found = ssim(one.view(1, 1, 11, 11), other.view(1, 1, 11, 11))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("side", [1, 4, 10])
def test_small_images_have_a_smaller_window(side: int) -> None:
    images = random(2, 1, side, side)
    assert ssim(images, images).tolist() == pytest.approx([1, 1])


def test_the_error_is_that_of_the_reconstruction() -> None:
    model = linear_gaussian()
    metric = built_in("metric", "reconstruction_error")
    mse, similarity = metric.compute(context(model))
    images = to_unit(context(model).split.images)
    error = ((images - model.reconstruct(images)) ** 2).mean().item()
    assert mse.value == pytest.approx(error, rel=1e-6)
    assert 0 < similarity.value < 1


def test_frechet_distance_of_a_shift_is_its_square() -> None:
    features = normal(500, 8)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    shift = torch.arange(8, dtype=torch.float64)
    squared = (shift @ shift).item()
    assert frechet_distance(features, features + shift) == pytest.approx(squared, rel=1e-9)


def test_frechet_distance_of_a_scaling_matches_the_closed_form() -> None:
    # Σ and s²Σ commute: the distance is ‖μ − sμ‖² + (1 − s)² tr Σ
    features = normal(500, 6) @ normal(6, 6, seed=1)
    scaled = 2.5 * features
    expected = (1.5 * features.mean(0)).square().sum() + 1.5**2 * torch.cov(features.T).trace()
    assert frechet_distance(features, scaled) == pytest.approx(expected.item(), rel=1e-9)


def test_frechet_distance_of_two_gaussians_in_two_dimensions() -> None:
    one, other = normal(400, 2) @ normal(2, 2, seed=1), normal(300, 2, seed=3) + 1
    first, second = torch.cov(one.T), torch.cov(other.T)
    # the root of a 2 × 2 matrix M has the trace sqrt(tr M + 2 sqrt(det M))
    product = first @ second
    root = math.sqrt(product.trace() + 2 * math.sqrt(torch.linalg.det(product)))
    expected = (one.mean(0) - other.mean(0)).square().sum() + (first + second).trace() - 2 * root
    assert frechet_distance(one, other) == pytest.approx(expected.item(), rel=1e-9)


def test_the_kernel_distance_is_unbiased_and_sees_a_shift() -> None:
    alike = kernel_distances(normal(20_000, 4), normal(20_000, 4, seed=1), block=100)
    assert len(alike) == 200
    assert abs(alike.mean().item()) < 3 * alike.std().item() / 200**0.5
    apart = kernel_distances(normal(500, 4), normal(500, 4, seed=1) + 1, block=500)
    assert apart.item() > 100 * abs(alike.mean().item())


def test_precision_is_of_samples_and_recall_of_images() -> None:
    images, samples = normal(300, 3), normal(300, 3, seed=1)
    half = torch.cat((samples[:150], samples[150:] + 100))
    precision, recall = precision_and_recall(images, half, 3)
    assert precision == pytest.approx(0.5, abs=0.06)
    assert recall > 0.7
    few = samples[:5].repeat(60, 1) + 1e-3 * normal(300, 3, seed=2)
    precision, recall = precision_and_recall(images, few, 3)
    assert precision > 0.9 > 0.1 > recall


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("mnist", 0.99), ("fashion_mnist", 0.9)])
def test_the_shipped_classifier_has_its_recorded_accuracy(name: str, least: float) -> None:
    net = shipped_classifier(name)
    test = built_in("dataset", name).build().test
    with torch.inference_mode():
        right = [
            (net(to_unit(images)).argmax(1) == labels)
            for images, labels in zip(test.images.split(1000), test.labels.split(1000), strict=True)
        ]
    assert torch.cat(right).double().mean().item() == pytest.approx(net.accuracy, abs=3e-4)
    assert net.accuracy > least


@pytest.mark.slow
def test_samples_of_a_trained_model_are_nearer_than_noise() -> None:
    model = vaezoo.load("mnist_mlp20")
    data = model.spec.dataset.build()
    part = vaezoo.registry.Split(data.test.images[:2000], data.test.labels[:2000])
    seen = vaezoo.registry.EvaluationContext("m", model.spec, model, part, "test", ())
    metric = built_in("metric", "sample_quality")
    trained = {figure.name: figure for figure in metric.compute(seen)}
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.zero_()
    blank = {figure.name: figure for figure in metric.compute(seen)}
    for name in ("frechet_distance", "kernel_distance"):
        assert trained[name].value < 0.7 * blank[name].value
    assert trained["precision"].value > 0.3 > blank["precision"].value
    assert "test accuracy" in trained["precision"].note
    assert trained["precision"].samples == 2000


def test_a_dataset_without_a_classifier_says_so() -> None:
    metric = built_in("metric", "sample_quality")
    with pytest.raises(UsageError, match="sample_quality needs a classifier"):
        metric.compute(context(linear_gaussian()))


@pytest.mark.slow
@pytest.mark.parametrize("use", ["static", "dynamic"])
def test_drawn_images_are_compared_with_drawn_samples(use: str) -> None:
    """A decoder that gives every image the pixels' own chances draws samples as good as images.

    Held against mean images it would be far off: those are grey.
    """
    model = vaezoo.load("mnist_mlp20")
    grey = model.spec.dataset.build()
    binarization = Binarization(use=use)
    data = model.spec.dataset.model_copy(update={"binarize": binarization}).build()
    one = grey.test.images[3:4].repeat(800, 1, 1, 1)  # one image, drawn 800 times
    drawn = vaezoo.registry.Split(binarization.drawn_once(one, "test"))
    training = vaezoo.registry.Split(data.train.images[:800])
    spec = model.spec.model_copy(
        update={"dataset": model.spec.dataset.model_copy(update={"binarize": binarization})}
    )
    with torch.no_grad():
        *_, last = (part for part in model.decoder.modules() if isinstance(part, torch.nn.Linear))
        last.weight.zero_()
        last.bias.copy_(torch.logit(to_unit(grey.test.images[3]).flatten(), eps=1e-6))
    seen = vaezoo.registry.EvaluationContext(
        "m", spec, model, drawn, "test", (), training=training, binarization=binarization
    )
    metric = built_in("metric", "sample_quality")
    found = {figure.name: figure for figure in metric.compute(seen)}
    plain = dataclasses.replace(
        seen, binarization=Binarization(use="none"), spec=model.spec, training=None
    )
    unlike = {figure.name: figure for figure in metric.compute(plain)}
    assert "drawn pixels of 800 draws" in found["recall"].note
    assert found["frechet_distance"].value < 0.05 * unlike["frechet_distance"].value
    assert found["precision"].value > 0.7
    assert found["recall"].value > 0.7 > unlike["recall"].value
    # training images stand in for samples as the model sees them: drawn
    told = float(found["frechet_distance"].note.rpartition(": ")[2].partition(";")[0])
    net = shipped_classifier("mnist")
    black_and_white = (
        training.images if use == "static" else binarization.drawn_once(training.images, "train")
    )
    with torch.inference_mode():
        features = [net.features(to_unit(i)) for i in (drawn.images, black_and_white)]
    assert set(black_and_white.unique().tolist()) == {0, 255}
    assert told == pytest.approx(frechet_distance(*features), rel=0.01)


def test_a_likelihood_without_chances_of_white_has_no_samples_to_compare() -> None:
    model = vaezoo.load("mnist_mlp20")
    gaussian = built_in("likelihood", "gaussian")
    parts = model.spec.model.model_copy(update={"likelihood": gaussian})
    spec = model.spec.model_copy(update={"model": parts})
    split = vaezoo.registry.Split(torch.zeros(5, 1, 28, 28, dtype=torch.uint8))
    seen = vaezoo.registry.EvaluationContext(
        "m", spec, model, split, "test", (), binarization=Binarization(use="static")
    )
    metric = built_in("metric", "sample_quality")
    with pytest.raises(UsageError, match="'gaussian' gives no probability of white pixels"):
        metric.compute(seen)
