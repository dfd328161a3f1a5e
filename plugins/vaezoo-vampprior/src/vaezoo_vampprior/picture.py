"""Draw the pseudo-inputs."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaezoo import Diagnostic, EvaluationContext
from vaezoo.diagnostics import UsageError
from vaezoo_vampprior.nets import VampPriorNet

_INCHES_A_PIXEL = 1 / 60
_BATCH = 1000


def draw_pseudo_inputs(context: EvaluationContext, *, columns: int, rows: int) -> Figure:
    """Pairs of rows, see the visualizer ``pseudo_inputs``. Raises UsageError for other priors."""
    prior: object = context.model.prior
    if not isinstance(prior, VampPriorNet):
        message = f"{context.name} has no pseudo-inputs: its prior is not a vampprior"
        raise UsageError(Diagnostic("VZ504", message, hint="use another visualizer"))
    with torch.inference_mode():
        order = _shares(context, prior).argsort(descending=True, stable=True)[: columns * rows]
        images = prior.pseudo_inputs[order]
        unknown = torch.full((len(images),), -1)  # for a conditional model
        made = context.model.reconstruct(images, unknown)
    pairs = [
        torch.cat([_in_a_row(part, columns) for part in (above, below)], dim=1)
        for above, below in zip(images.split(columns), made.split(columns), strict=True)
    ]
    sheet = torch.cat(pairs, dim=1).cpu()
    return _shown(sheet)


def _shares(context: EvaluationContext, prior: VampPriorNet) -> Tensor:
    """The fraction of posterior means for which each component is most likely: (K,)."""
    counts = torch.zeros(prior.components)
    labels = context.split.labels
    for start in range(0, len(context.split), _BATCH):
        rows = slice(start, start + _BATCH)
        images = context.split.images[rows]
        z = context.model.encode(images, None if labels is None else labels[rows])
        nearest = prior.log_prob_of_components(z).argmax(1).cpu()
        counts += torch.bincount(nearest, minlength=prior.components)
        context.advance(len(images))
    return counts / len(context.split)


def _in_a_row(images: Tensor, columns: int) -> Tensor:
    """Images (n ≤ columns, C, H, W) side by side: (C, H, columns · W), padded with white."""
    missing = images.new_ones(columns - len(images), *images.shape[1:])
    return torch.cat((*images, *missing), dim=2)


def _shown(sheet: Tensor) -> Figure:
    channels, height, width = sheet.shape
    size = (max(width * _INCHES_A_PIXEL, 1), max(height * _INCHES_A_PIXEL, 1))
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    pixels = sheet.permute(1, 2, 0).numpy()
    if channels == 3:
        axes.imshow(pixels, interpolation="nearest")
    else:
        axes.imshow(pixels[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return figure
