"""Modules of samplers. They need torch alone, apart from fitting a mixture."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vaezoo.model import LatentDistribution

#: Shapes of buffers; None is any number of rows, and what each row holds.
Shapes = Mapping[str, tuple[int, ...] | None]


class StoredTensors(nn.Module):
    """Buffers that are empty until ``load_state_dict`` gives them shapes and values.

    So a spec from others, which may ask for any size, takes no more memory than its file.
    """

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self._shapes = shapes
        for name in shapes:
            self.register_buffer(name, torch.empty(0))

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *others: Any
    ) -> None:
        for name, shape in self._shapes.items():
            stored = state_dict.get(prefix + name)
            if stored is not None and stored.ndim and stored.shape == (shape or stored.shape):
                device = getattr(self, name).device
                self.register_buffer(name, torch.empty(stored.shape, device=device))
            # otherwise torch reports that it is missing or does not fit
        super()._load_from_state_dict(state_dict, prefix, *others)


class AggregatedPosteriorNet(StoredTensors):
    """Σ q(z|xₙ) / N over N images. It holds the encoder's outputs (N, *output)."""

    encoded: Tensor

    def __init__(self) -> None:
        super().__init__({"encoded": None})

    @classmethod
    def of(cls, encoded: Tensor) -> AggregatedPosteriorNet:
        """The sampler of these outputs."""
        net = cls()
        net.load_state_dict({"encoded": encoded})
        return net

    def bind(self, posterior: Callable[[Tensor], LatentDistribution]) -> None:
        """``posterior`` maps an encoder's outputs to q(z|x)."""
        self._posterior = posterior

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), each of an image that is chosen uniformly."""
        rows = len(self.encoded)
        chosen = torch.randint(rows, (count,), generator=generator, device=self.encoded.device)
        z: Tensor = self._posterior(self.encoded[chosen]).sample(generator)
        return z


class GaussianMixtureNet(StoredTensors):
    """Σ wₖ N(μₖ, Lₖ Lₖᵀ) over the flattened latents: weights (K,), means and Cholesky factors."""

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, latent: tuple[int, ...]) -> None:
        size = math.prod(latent)
        shapes = {"weights": (components,), "means": (components, size)}
        super().__init__({**shapes, "factors": (components, size, size)})
        self.latent = latent

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent): a component by its weight, then z = μₖ + Lₖ ε."""
        chosen = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        size = (count, self.means.shape[1])
        noise = torch.randn(size, generator=generator, device=self.means.device)
        z = torch.empty_like(noise)
        for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            rows = chosen == k
            z[rows] = mean + noise[rows] @ factor.T
        shaped: Tensor = z.unflatten(1, self.latent)
        return shaped


def fitted_mixture(
    latents: Tensor, components: int, iterations: int, generator: torch.Generator
) -> GaussianMixtureNet:
    """The mixture of the highest likelihood that expectation maximization finds, in float64."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    seed = torch.randint(2**31, (), generator=generator, device=generator.device).item()
    mixture = GaussianMixture(components, max_iter=iterations, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(latents.double().flatten(1).numpy())
    if not mixture.converged_:
        warnings.warn(
            f"expectation maximization did not converge in {iterations:,} steps; "
            "raise sampler.iterations",
            stacklevel=2,
        )
    covariances = torch.from_numpy(mixture.covariances_)
    net = GaussianMixtureNet(components, tuple(latents.shape[1:]))
    net.load_state_dict(
        {
            "weights": torch.from_numpy(mixture.weights_),
            "means": torch.from_numpy(mixture.means_),
            "factors": torch.linalg.cholesky(covariances),
        }
    )
    return net
