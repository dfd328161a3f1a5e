"""Squared error and structural similarity of reconstructions."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.components.nets.batched import batches, mean_figure
from vaezoo.registry import EvaluationContext, Figure

_WINDOW, _SIGMA = 11, 1.5
#: (0.01 L)² and (0.03 L)² for a range L of 1
_C1, _C2 = 0.01**2, 0.03**2


def reconstruction_error_figures(context: EvaluationContext) -> list[Figure]:
    """mse and ssim of reconstructions, averaged over images."""
    values = reconstruction_errors(context)
    note = "mean image at the posterior mean, pixels in [0, 1]"
    return [
        mean_figure(
            context, "mse", values["mse"], unit="squared error of a pixel, in [0, 1]", note=note
        ),
        mean_figure(
            context, "ssim", values["ssim"], unit="structural similarity, up to 1", note=note
        ),
    ]


@torch.inference_mode()
def reconstruction_errors(context: EvaluationContext) -> dict[str, Tensor]:
    """mse and ssim of every image of the split, (N,) each."""
    errors, similarities = [], []
    for images, labels in batches(context):
        copies = context.model.reconstruct(images, labels)
        errors.append(((images - copies) ** 2).flatten(1).mean(1).cpu())
        similarities.append(ssim(images, copies).cpu())
    return {"mse": torch.cat(errors), "ssim": torch.cat(similarities)}


def ssim(images: Tensor, others: Tensor) -> Tensor:
    """Structural similarity of images in [0, 1], both (B, C, H, W): (B,), up to 1.

    Averages equation 13 of Wang, Bovik, Sheikh and Simoncelli (2004) over channels and all
    positions of the Gaussian window inside the image. The window is 11 × 11, or smaller for
    smaller images.
    """
    window = _window(images)

    def local(values: Tensor) -> Tensor:
        channels = values.shape[1]
        repeated = window.expand(channels, 1, *window.shape)
        return torch.nn.functional.conv2d(values, repeated, groups=channels)

    mean, other = local(images), local(others)
    variance = local(images**2) - mean**2
    other_variance = local(others**2) - other**2
    covariance = local(images * others) - mean * other
    similarity = ((2 * mean * other + _C1) * (2 * covariance + _C2)) / (
        (mean**2 + other**2 + _C1) * (variance + other_variance + _C2)
    )
    return similarity.flatten(1).mean(1)


def _window(images: Tensor) -> Tensor:
    """A Gaussian window (h, w) with odd sides that sums to 1."""
    sides = [min(_WINDOW, side - 1 + side % 2) for side in images.shape[2:]]
    rows, columns = (
        torch.exp(-0.5 * (axis / _SIGMA) ** 2)
        for side in sides
        for axis in [torch.arange(side, device=images.device, dtype=images.dtype) - side // 2]
    )
    return torch.outer(rows / rows.sum(), columns / columns.sum())
