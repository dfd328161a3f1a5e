"""Classifiers on posterior means."""

from __future__ import annotations

import torch

from tests.components.linear_gaussian import context, linear_gaussian
from tests.helpers import built_in
from vaezoo.components.nets.linear_probe import logistic_regression, vote
from vaezoo.registry import EvaluationContext, Split


def clusters(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points around the corners of a triangle, with the corner's number."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    corners = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    return corners[labels] + torch.randn(count, 2, generator=generator), labels


def test_logistic_regression_has_no_gradient_left() -> None:
    x, labels = clusters(600, 0)
    weight, bias = logistic_regression(x, labels, 1e-2)
    weight.requires_grad_()
    bias.requires_grad_()
    misfit = torch.nn.functional.cross_entropy(x @ weight + bias, labels)
    (misfit + 1e-2 * (weight**2).sum()).backward()
    assert weight.grad.abs().max() < 1e-3
    assert bias.grad.abs().max() < 1e-3


def test_both_classifiers_tell_clusters_apart() -> None:
    (x, labels), (asked, truth) = clusters(900, 0), clusters(400, 1)
    weight, bias = logistic_regression(x, labels, 1e-4)
    assert ((asked @ weight + bias).argmax(1) == truth).float().mean() > 0.95
    assert (vote(x, labels, asked, 10) == truth).float().mean() > 0.95


def test_a_tie_goes_to_the_class_with_the_nearer_neighbors() -> None:
    known = torch.tensor([[0.0], [1.0], [2.0], [10.0]], dtype=torch.float64)
    labels = torch.tensor([1, 0, 0, 1])
    asked = torch.tensor([[0.1], [9.0]], dtype=torch.float64)
    assert vote(known, labels, asked, 1).tolist() == [1, 1]
    assert vote(known, labels, asked, 2).tolist() == [1, 1]
    assert vote(known, labels, asked, 3).tolist() == [0, 0]


def labelled(count: int) -> EvaluationContext:
    """Images whose label is whether they are bright, which the posterior mean shows."""
    seen = context(linear_gaussian(), count)
    images = seen.split.images
    brightness = images.float().flatten(1).mean(1)
    labels = (brightness > brightness.median()).long()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    first, second = order[: count // 2], order[count // 2 :]
    return EvaluationContext(
        "m",
        seen.spec,
        seen.model,
        Split(images[second], labels[second]),
        "test",
        (),
        training=Split(images[first], labels[first]),
    )


def test_figures_are_accuracies_on_the_split_after_fitting_to_the_training_images() -> None:
    seen = labelled(1000)
    with torch.no_grad():
        seen.model.encoder.matrix.fill_(1.0)  # the mean pixel, which decides the label
    for name, figure_name in (
        ("linear_probe", "probe_accuracy"),
        ("nearest_neighbours", "knn_accuracy"),
    ):
        (figure,) = built_in("metric", name).compute(seen)
        assert figure.name == figure_name
        assert 0.95 < figure.value <= 1
        assert figure.examples == 500
        assert "500 training images" in figure.note


def test_without_labels_there_is_no_figure() -> None:
    for name in ("linear_probe", "nearest_neighbours"):
        assert built_in("metric", name).compute(context(linear_gaussian())) == []
