"""Classifiers of labels on posterior means."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaezoo.components.nets.batched import mean_figure, posterior_means
from vaezoo.registry import EvaluationContext, Figure

_MAX_ITERATIONS = 200
#: distances to compute at once
_PAIRS = 2**24


@dataclass(frozen=True)
class ProbeResult:
    """Whether the class of each image is right, (N,), and the number of images fitted to."""

    right: Tensor
    fitted: int


def linear_probe_figures(context: EvaluationContext, penalty: float) -> list[Figure]:
    """probe_accuracy; nothing without labels."""
    found = linear_probe(context, penalty)
    if found is None:
        return []
    note = f"fitted to {found.fitted:,} training images"
    return [_accuracy(context, "probe_accuracy", found.right, note)]


def linear_probe(context: EvaluationContext, penalty: float) -> ProbeResult | None:
    """Fit and evaluate a linear classifier; None without labels."""
    latents = _latents_with_labels(context)
    if latents is None:
        return None
    (fitted, labels), (held_out, truth) = latents
    # do not scale a constant dimension
    scale = fitted.std(0).clamp(min=1e-6)
    mean = fitted.mean(0)
    weight, bias = logistic_regression((fitted - mean) / scale, labels, penalty)
    right = (((held_out - mean) / scale) @ weight + bias).argmax(1) == truth
    return ProbeResult(right, len(fitted))


def nearest_neighbours_figures(context: EvaluationContext, neighbours: int) -> list[Figure]:
    """knn_accuracy; nothing without labels."""
    found = nearest_neighbours(context, neighbours)
    if found is None:
        return []
    note = f"{neighbours} neighbours among {found.fitted:,} training images"
    return [_accuracy(context, "knn_accuracy", found.right, note)]


def nearest_neighbours(context: EvaluationContext, neighbours: int) -> ProbeResult | None:
    """Evaluate k-nearest-neighbor classification; None without labels."""
    latents = _latents_with_labels(context)
    if latents is None:
        return None
    (known, labels), (held_out, truth) = latents
    right = vote(known, labels, held_out, min(neighbours, len(known))) == truth
    return ProbeResult(right, len(known))


def logistic_regression(x: Tensor, labels: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Weights (d, classes) and biases of multinomial logistic regression on x (N, d)."""
    classes = int(labels.max()) + 1
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=_MAX_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        misfit = torch.nn.functional.cross_entropy(x @ weight + bias, labels)
        objective = misfit + penalty * (weight**2).sum()
        objective.backward()
        return objective

    optimizer.step(loss)
    return weight.detach(), bias.detach()


def vote(known: Tensor, labels: Tensor, asked: Tensor, neighbours: int) -> Tensor:
    """The most common label among the nearest of ``known`` (N, d) to ``asked`` (M, d): (M,).

    A nearer neighbor weighs slightly more, which breaks ties.
    """
    classes = int(labels.max()) + 1
    weights = 1 - torch.arange(neighbours) / (neighbours + 1) ** 2
    found = []
    for part in asked.split(max(_PAIRS // len(known), 1)):
        nearest = torch.cdist(part, known).topk(neighbours, largest=False).indices
        votes = torch.zeros(len(part), classes)
        votes.scatter_add_(1, labels[nearest], weights.expand(len(part), -1))
        found.append(votes.argmax(1))
    return torch.cat(found)


def _latents_with_labels(
    context: EvaluationContext,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]] | None:
    """Posterior means and labels of the training split and of the context's split."""
    training = context.training
    if training is None or training.labels is None or context.split.labels is None:
        return None
    fitted = posterior_means(context, training), training.labels.long().cpu()
    asked = posterior_means(context, context.split), context.split.labels.long().cpu()
    context.advance(len(context.split))
    return fitted, asked


def _accuracy(context: EvaluationContext, name: str, right: Tensor, note: str) -> Figure:
    return mean_figure(context, name, right, unit="fraction of the images", note=note)
