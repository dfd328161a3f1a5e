"""What a distribution of latents says of itself: moments, entropy, gradients, independence."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vaezoo.model import LatentDistribution
from vaezoo.testing.conformance.density_checks import DRAWS, ERRORS, Density
from vaezoo.testing.conformance.outcome import require

#: the step of a finite difference in float64, how near the gradient must be, the most parameters
_STEP, _TOLERANCE, _COORDINATES = 1e-6, 1e-4, 40


@torch.no_grad()
def require_entropy(density: Density, q: LatentDistribution) -> bool:
    """Compare the entropy of one example, (1, *latent), with draws; False if it is not given."""
    if q.entropy is None:
        return False
    values = -density.log_density(density.draw(DRAWS))
    estimate, error = values.mean().item(), values.std().item() / DRAWS**0.5
    entropy = q.entropy.sum().item()
    require(
        abs(entropy - estimate) < ERRORS * error + 1e-3,
        f"{density.space} latents: entropy gives {entropy:.4f}, draws {estimate:.4f} ± {error:.4f}",
    )
    return True


@torch.no_grad()
def require_moments(density: Density, q: LatentDistribution) -> bool:
    """Compare mean and variance of one example with draws; False if there is no variance."""
    if q.variance is None:
        return False
    z = density.draw(DRAWS).double()
    mean, variance = q.mean[0].double(), q.variance[0].double()
    squared = (z - z.mean(0)) ** 2
    for name, given, values in (("mean", mean, z), ("variance", variance, squared)):
        estimate, error = values.mean(0), values.std(0) / DRAWS**0.5
        off = (given - estimate).abs() - ERRORS * error - 1e-3
        worst = int(off.argmax())
        require(
            off.max() < 0,
            f"{density.space} latents: {name} gives {given.flatten()[worst]:.4f}, draws "
            f"{estimate.flatten()[worst]:.4f} ± {error.flatten()[worst]:.4f}",
        )
    return True


def require_gradient(what: str, function: Callable[[Tensor], Tensor], parameters: Tensor) -> None:
    """Compare the gradient of a function of float64 parameters with finite differences."""
    parameters = parameters.detach().requires_grad_()
    value = function(parameters)
    require(
        value.dtype == torch.float64,
        f"{what} is {value.dtype} for parameters in torch.float64; keep the type of the parameters",
    )
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(3)).double()
    total = (weights * value).sum()
    gradient = torch.zeros_like(parameters)
    if total.requires_grad:
        (found,) = torch.autograd.grad(total, parameters, allow_unused=True)
        gradient = gradient if found is None else found
    for index in range(min(parameters.numel(), _COORDINATES)):
        step = torch.zeros_like(parameters).flatten()
        step[index] = _STEP
        step = step.view_as(parameters)
        with torch.no_grad():
            above, below = function(parameters + step), function(parameters - step)
        difference = ((weights * (above - below)).sum() / (2 * _STEP)).item()
        exact = gradient.flatten()[index].item()
        require(
            abs(exact - difference) < _TOLERANCE * (1 + abs(difference)),
            f"the gradient of {what} with respect to parameter {index} is {exact:.5g}, finite "
            f"differences give {difference:.5g}",
        )


def require_independent_latents(density: Density) -> None:
    """Raise Nonconforming unless log_prob of two latents is a sum over them."""
    one, other = density.draw(200).chunk(2)
    crossed = torch.stack([one[:, 0], other[:, 1]], 1), torch.stack([other[:, 0], one[:, 1]], 1)
    straight = density.log_density(one) + density.log_density(other)
    apart = (straight - sum(map(density.log_density, crossed))).abs().max().item()
    require(
        apart < 1e-3 * straight.abs().max().item() + 1e-4,
        f"is_factorial is true, and the log-density is off a sum over latents by {apart:.3g}",
    )


@torch.no_grad()
def require_normal(q: LatentDistribution) -> None:
    """Raise Nonconforming unless log_prob is that of independent normal latents."""
    variance = q.variance
    if variance is None:
        require(False, "is_normal is true, and variance is None")
        return
    z = q.sample(torch.Generator().manual_seed(2))
    squared = (z - q.mean) ** 2 / variance
    normal = -0.5 * (squared + variance.log() + math.log(2 * math.pi)).flatten(1).sum(1)
    require(
        torch.allclose(q.log_prob(z), normal, rtol=1e-3, atol=1e-3),
        "is_normal means independent normal latents with this mean and variance, and log_prob is "
        "another density; leave is_normal out, for example for a full covariance",
    )
