"""Integrate densities by the trapezoidal rule, on grids that are wide and locally fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class QuadratureGrid:
    """Points and weights in float64: Σ f(x) w approximates an integral or a sum."""

    points: Tensor
    weights: Tensor

    def integral(self, log_density: Tensor) -> float:
        """∫ exp(log density), given at the points."""
        return float((log_density.double().exp() * self.weights).sum())

    def mean(self, log_density: Tensor) -> float:
        """∫ x exp(log density), given at the points."""
        return float((log_density.double().exp() * self.weights * self.points).sum())


def line(center: float = 0.0, scale: float = 1.0, count: int = 40_001) -> QuadratureGrid:
    """The real line: x = center + scale · sinh(t), fine around the center, coarse far out."""
    t = torch.linspace(-16, 16, count, dtype=torch.float64)
    return QuadratureGrid(center + scale * t.sinh(), scale * t.cosh() * (t[1] - t[0]))


def unit_interval(count: int = 20_001) -> QuadratureGrid:
    """[0, 1]: x = 1 / (1 + exp(−t)), fine near both ends, where a density may have a pole."""
    t = torch.linspace(-14, 14, count, dtype=torch.float64)
    x = t.sigmoid()
    return QuadratureGrid(x, x * (1 - x) * (t[1] - t[0]))


def levels(count: int) -> QuadratureGrid:
    """The gray levels 0, 1/(count − 1), …, 1, each with weight 1."""
    return QuadratureGrid(
        torch.linspace(0, 1, count, dtype=torch.float64), torch.ones(count, dtype=torch.float64)
    )


def cumulative(grid: QuadratureGrid, log_density: Tensor) -> Callable[[Tensor], Tensor]:
    """The cumulative distribution function of a density given at the grid's points."""
    mass = log_density.double().exp() * grid.weights
    at_points = mass.cumsum(0) - 0.5 * mass  # half of a point's mass is on either side

    def below(x: Tensor) -> Tensor:
        place = torch.searchsorted(grid.points, x.double()).clamp(1, len(mass) - 1)
        left, right = grid.points[place - 1], grid.points[place]
        share = ((x.double() - left) / (right - left)).clamp(0, 1)
        return torch.lerp(at_points[place - 1], at_points[place], share)

    return below
