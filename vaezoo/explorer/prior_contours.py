"""Regions of highest prior density of two latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from vaezoo.registry import Batch

if TYPE_CHECKING:
    from vaezoo.model import VAE

#: The probability inside each contour, draws for their levels, and points along an edge.
_MASSES = (0.5, 0.9, 0.99)
_DRAWS, _POINTS = 4000, 72


@torch.inference_mode()
def prior_contours(
    model: VAE, low: list[float], high: list[float], label: int | None = None
) -> list[dict[str, Any]]:
    """For each mass, lines ``[x, y, x, y, …]`` around the smallest region with it.

    The level is a quantile of log p(z) over draws from the prior (Hyndman 1996). Empty where the
    density of the two latents is unknown, such as under a hierarchy.
    """
    if model.space.shape != (2,) or model.space.levels is not None or not _has_density(model):
        return []
    from contourpy import LineType, contour_generator

    generator = torch.Generator(model.device).manual_seed(0)
    labels = None if label is None else torch.full((_DRAWS,), label, device=model.device)
    prior = model.prior_given(labels)
    densities = prior.log_prob(prior.sample(_DRAWS, generator)).double().cpu()
    x, y = (torch.linspace(low[i], high[i], _POINTS) for i in range(2))
    grid = torch.cartesian_prod(x, y).to(model.device)
    if label is not None:
        prior = model.prior_given(torch.full((len(grid),), label, device=model.device))
    heights = prior.log_prob(grid).reshape(_POINTS, _POINTS).T.double().cpu().numpy()
    lines = contour_generator(x.numpy(), y.numpy(), heights, line_type=LineType.Separate)
    found = []
    for mass in _MASSES:
        level = densities.quantile(1 - mass).item()
        found_lines: Any = lines.lines(level)  # a list of (points, 2)
        paths = [line.round(3).flatten().tolist() for line in found_lines]
        found.append({"mass": mass, "paths": paths})
    return found


def _has_density(model: VAE) -> bool:
    batch = Batch(torch.zeros(1, *model.image_shape, device=model.device))
    trace = model.trace(batch, torch.Generator(model.device).manual_seed(0))
    return len(trace.sites) == 1
