"""Densities of latents: they normalize, and draws follow them. For priors and for posteriors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaezoo.registry import LatentSpace
from vaezoo.testing.conformance import integrals
from vaezoo.testing.conformance.outcome import NotApplicable, require

DRAWS = 40_000
#: standard errors that a fair estimate stays within: all draws are seeded
ERRORS = 5
#: the most codes whose probabilities are added up, and the points on a side of a plane
_CODES, _SIDE = 100_000, 701


@dataclass(frozen=True)
class Density:
    """A density of latents, and how to draw from it."""

    space: LatentSpace
    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int, torch.Generator], Tensor]

    @torch.no_grad()
    def draw(self, count: int, seed: int = 9) -> Tensor:
        """So many draws, by a generator of that seed."""
        return self.sample(count, torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def log_density(self, z: Tensor) -> Tensor:
        """log_prob in parts, in float64."""
        return torch.cat([self.log_prob(part) for part in z.split(_CODES)]).double()

    @property
    def is_real(self) -> bool:
        return self.space.support == "real"

    def codes(self) -> Tensor:
        """Every value of a space of codes: (levels ** size, *shape)."""
        levels = self.space.levels or 0
        if self.space.support != "code" or not 0 < levels**self.space.size <= _CODES:
            raise NotApplicable(
                f"the support {self.space.support!r} of {self.space} latents is not enumerated"
            )
        every = itertools.product(range(levels), repeat=self.space.size)
        return torch.tensor(list(every)).view(-1, *self.space.shape)


def require_own_generator(density: Density) -> None:
    """Raise Nonconforming for draws that have another form, or not by their generator alone."""
    before = torch.get_rng_state()
    first, again = (density.draw(7) for _ in range(2))
    shape, dtype = (7, *density.space.shape), torch.float32 if density.is_real else first.dtype
    require(
        first.shape == shape and first.dtype == dtype,
        f"7 draws of {density.space} latents are {tuple(first.shape)} in {first.dtype}, "
        f"expected {shape} in {dtype}",
    )
    if density.space.levels:
        within = not first.is_floating_point() and 0 <= first.min() <= first.max()
        require(
            within and first.max() < density.space.levels,
            f"draws of codes are {first.min()} to {first.max()} in {first.dtype}, expected "
            f"integers from 0 to {density.space.levels - 1}",
        )
    require(torch.equal(first, again), "two generators with one seed give two samples")
    require(
        torch.equal(before, torch.get_rng_state()),
        "it draws from torch's global generator; use the one that is given",
    )


def require_normalized(density: Density) -> None:
    """Raise Nonconforming unless exp(log_prob) integrates to 1, or sums to 1 over the codes."""
    if density.is_real:
        total, verb = _integral(density), "the density integrates"
    else:
        total, verb = float(density.log_density(density.codes()).exp().sum()), "probabilities sum"
    size = density.space.size
    require(
        abs(total - 1) < 0.01,
        f"in {size} dimension{'s' if size > 1 else ''} {verb} to {total:.4f}, expected 1",
    )


def require_draws_follow(density: Density) -> None:
    """Raise Nonconforming unless draws of one latent are distributed as log_prob says."""
    if density.is_real:
        _require_distribution(density)
    else:
        _require_frequencies(density)


def _require_distribution(density: Density) -> None:
    """The Kolmogorov–Smirnov distance to the integral of the density."""
    draws = density.draw(DRAWS).flatten().sort().values
    low, middle, high = (draws[int(share * DRAWS)].item() for share in (0.25, 0.5, 0.75))
    grid = integrals.line(middle, max(high - low, 1e-6))
    points = grid.points.float().view(-1, *density.space.shape)
    below = integrals.cumulative(grid, density.log_density(points))
    expected = torch.arange(1, DRAWS + 1, dtype=torch.float64) / DRAWS
    distance = float((below(draws) - expected).abs().max())
    require(
        distance < 2.5 / DRAWS**0.5,
        f"the distribution of {DRAWS:,} draws is {distance:.3f} away from that of log_prob",
    )


def _require_frequencies(density: Density) -> None:
    codes = density.codes()
    probabilities = density.log_density(codes).exp()
    found = (density.draw(DRAWS).flatten(1).unsqueeze(1) == codes.flatten(1)).all(2)
    frequencies = found.double().mean(0)
    allowed = ERRORS * (probabilities * (1 - probabilities) / DRAWS).clamp(min=0).sqrt() + 1e-3
    code = int(((frequencies - probabilities).abs() - allowed).argmax())
    require(
        abs(frequencies[code] - probabilities[code]) < allowed[code],
        f"the code {codes[code].tolist()} is drawn with frequency {frequencies[code]:.4f}, and "
        f"log_prob says {probabilities[code]:.4f}",
    )


def require_joint_draws(density: Density) -> None:
    """Raise Nonconforming unless draws of several latents depend on each other as log_prob says.

    For any density r, the mean of r(z) / q(z) over draws of q is 1. Here r is narrow, at a few
    places among the draws.
    """
    z = density.draw(DRAWS)
    log_q = density.log_density(z)
    scale = 0.5 * (z.quantile(0.75, 0) - z.quantile(0.25, 0)).clamp(min=1e-6)
    for place in z[:8]:
        narrow = torch.distributions.Normal(place, scale)
        ratios = (narrow.log_prob(z).double().flatten(1).sum(1) - log_q).exp()
        mean, error = ratios.mean().item(), ratios.std().item() / DRAWS**0.5
        require(
            abs(mean - 1) < ERRORS * error + 0.01,
            f"draws of {density.space} latents do not follow log_prob: near "
            f"{[round(value, 2) for value in place.flatten().tolist()]} there are {mean:.2f} times "
            "as many as it says",
        )


def _integral(density: Density) -> float:
    """∫ exp(log_prob) over the line or the plane, around where the draws lie."""
    draws = density.draw(2000).flatten(1)
    points_a_side = 20_001 if draws.shape[1] == 1 else _SIDE
    spread = draws.quantile(0.75, 0) - draws.quantile(0.25, 0)
    grids = [
        integrals.line(center, max(width, 1e-6), points_a_side)
        for center, width in zip(draws.median(0).values.tolist(), spread.tolist(), strict=True)
    ]
    z = torch.cartesian_prod(*(grid.points for grid in grids)).view(-1, *density.space.shape)
    weights = torch.meshgrid(*(grid.weights.log() for grid in grids), indexing="ij")
    log_weights = torch.stack(weights).sum(0).flatten()
    return float((density.log_density(z.float()) + log_weights).exp().sum())
