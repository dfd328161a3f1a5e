"""Compare samples with images in a classifier's features: distances, precision and recall."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.components.nets.batched import figure, silent_batches
from vaezoo.diagnostics import Diagnostic, UsageError
from vaezoo.registry import EvaluationContext, Figure, Split
from vaezoo.registry.contracts import ImageClassifier

_BATCH = 500
#: samples and images per estimate of the kernel distance (Bińkowski et al. 2018)
_KERNEL_BLOCK = 1000
#: limit on training images for the reference distance between images
_COMPARED = 10_000


@torch.inference_mode()
def sample_quality_figures(context: EvaluationContext, neighbours: int) -> list[Figure]:
    """frechet_distance, kernel_distance, precision and recall of as many samples as images."""
    net, is_binary = _classifier(context), _is_binary(context)
    count = len(context.split)
    images = _features_of_split(context, net, context.split)
    samples = _features_of_samples(context, net, count, drawn=is_binary)
    precision, recall = precision_and_recall(images, samples, neighbours)
    distances = kernel_distances(images, samples)
    error = distances.std().item() / len(distances) ** 0.5 if len(distances) > 1 else None
    what = "drawn pixels" if is_binary else "mean images"
    drawn = f"{context.model.drawn_from}{_given_labels(context)}"
    about = (
        f"{what} of {count:,} draws {drawn}, in the features of a classifier "
        f"with {net.accuracy:.1%} test accuracy on grey levels (digest {net.digest[:12]})"
    )

    def one(name: str, value: float, unit: str, error: float | None = None) -> Figure:
        note = about + _between_images(context, net, images, name)
        return figure(
            context,
            name,
            value,
            count,
            unit=unit,
            examples=count,
            standard_error=error,
            note=note,
        )

    return [
        one("frechet_distance", frechet_distance(images, samples), "squared distance of features"),
        one("kernel_distance", distances.mean().item(), "squared kernel distance", error),
        one("precision", precision, "fraction of the samples"),
        one("recall", recall, "fraction of the images"),
    ]


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) of features (N, F) and (M, F), in float64.

    The trace of the root equals that of (Σ₁^½ Σ₂ Σ₁^½)^½, a symmetric matrix, whose eigenvalues
    are nonnegative up to rounding.
    """
    one, other = one.double(), other.double()
    difference = one.mean(0) - other.mean(0)
    first, second = torch.cov(one.T), torch.cov(other.T)
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    middle = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    squared = difference @ difference + first.trace() + second.trace() - 2 * middle
    return float(squared.clamp(min=0))


def kernel_distances(one: Tensor, other: Tensor, block: int = _KERNEL_BLOCK) -> Tensor:
    """The unbiased squared MMD with the kernel (x·y/F + 1)³ of each disjoint block."""
    pairs = zip(one.double().split(block), other.double().split(block), strict=False)
    whole = [(a, b) for a, b in pairs if len(a) == len(b) > 1]
    if not whole:
        raise ValueError("the kernel distance needs at least two samples and two images")
    if len(whole) > 1:  # drop an incomplete last block
        whole = [(a, b) for a, b in whole if len(a) == block]
    return torch.stack([_squared_mmd(a, b) for a, b in whole])


def _squared_mmd(one: Tensor, other: Tensor) -> Tensor:
    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n = len(one)
    within = [
        (k.sum() - k.trace()) / (n * (n - 1)) for k in (kernel(one, one), kernel(other, other))
    ]
    return within[0] + within[1] - 2 * kernel(one, other).mean()


def precision_and_recall(images: Tensor, samples: Tensor, neighbours: int) -> tuple[float, float]:
    """The fraction of samples near images (precision), and of images near samples (recall).

    The neighborhood of a point reaches to its ``neighbours``-th nearest point of the same kind.
    """
    return _covered(samples, images, neighbours), _covered(images, samples, neighbours)


def _covered(asked: Tensor, by: Tensor, neighbours: int) -> float:
    reach = torch.cat(
        [
            # the nearest is the point itself
            torch.cdist(part, by).kthvalue(min(neighbours + 1, len(by)), dim=1).values
            for part in by.split(_BATCH)
        ]
    )
    inside = [(torch.cdist(part, by) <= reach).any(1) for part in asked.split(_BATCH)]
    return torch.cat(inside).double().mean().item()


def _between_images(
    context: EvaluationContext, net: ImageClassifier, images: Tensor, name: str
) -> str:
    """A note with the distance of training images from the split's, the best to expect."""
    if context.training is None or name not in ("frechet_distance", "kernel_distance"):
        return ""
    # as many as images, because both distances depend on the number
    shown = context.training.images[: min(_COMPARED, len(images))]
    if context.binarization.use == "dynamic":  # the training images are still gray
        shown = context.binarization.drawn_once(shown, "train")
    chosen = Split(shown)
    features = _features_of_split(context, net, chosen)
    if name == "frechet_distance":
        value = frechet_distance(images, features)
    else:
        value = kernel_distances(images, features).mean().item()
    return f"; {len(chosen):,} training images in place of samples: {value:.3g}"


def _classifier(context: EvaluationContext) -> ImageClassifier:
    dataset = context.spec.dataset
    net = dataset.classifier()
    if net is None:
        raise UsageError(
            Diagnostic(
                "VZ504",
                f"sample_quality needs a classifier, but the dataset {dataset.use!r} has none",
                hint="remove the metric sample_quality; your own dataset can provide one with its "
                "method classifier()",
            )
        )
    return net.to(context.model.device)


def _features_of_split(context: EvaluationContext, net: ImageClassifier, split: Split) -> Tensor:
    batches = silent_batches(context, split, _BATCH)
    return torch.cat([net.features(images).float().cpu() for images, _ in batches])


def _features_of_samples(
    context: EvaluationContext, net: ImageClassifier, count: int, *, drawn: bool
) -> Tensor:
    """Features of mean images, or of binary images drawn from them."""
    model, generator, found = context.model, context.generator(), []
    labels = model.labels_to_sample(count, context.split.labels) if model.condition else None
    drawn_latents = model.draw(count, generator, labels)
    for start in range(0, count, _BATCH):
        part = slice(start, start + _BATCH)
        z = drawn_latents[part]
        images = model.decode(z, None if labels is None else labels[part])
        if drawn:
            images = torch.bernoulli(images, generator=generator)
        found.append(net.features(images).float().cpu())
        context.advance(len(z))
    return torch.cat(found)


def _given_labels(context: EvaluationContext) -> str:
    return " and the labels of the images" if context.model.condition else ""


def _is_binary(context: EvaluationContext) -> bool:
    """Whether the images are binary, so that the pixels of samples must be drawn.

    Raises UsageError (VZ504) if the likelihood gives no probabilities of white pixels.
    """
    if context.binarization.use == "none" and context.spec.dataset.binary is not True:
        return False
    likelihood = context.spec.model.likelihood
    if likelihood.for_binary_images:
        return True
    raise UsageError(
        Diagnostic(
            "VZ504",
            f"sample_quality cannot draw binary samples: {likelihood.use!r} gives no probability "
            "of white pixels",
            hint="remove the metric sample_quality, or use a likelihood for binary images, such "
            "as bernoulli",
        )
    )
