"""Samplers: how new latents are drawn."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from vaezoo.registry import Component, DataFacts, LatentSpace, Sampler
from vaezoo.registry.module_contracts import SamplerModule

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec

#: Largest number of values in the covariances of a mixture.
_MAX_COVARIANCES = 2**25


class PriorSampler(Sampler, use="prior"):
    """Draws from the model's prior. Nothing is fitted."""

    needs_fit: ClassVar[bool] = False

    def problem(self, spec: Spec) -> str | None:
        return None

    def build(self, space: LatentSpace) -> SamplerModule | None:
        return None


class AggregatedPosterior(Sampler, use="aggregated_posterior"):
    """Draws from q(z|x) of a training image that is chosen at random.

    The entry stores the encoder's output for each of ``points`` images. A sample resembles the
    image that it came from, so figures on samples are better than those of new images.
    """

    points: int = Field(
        10_000, ge=1, le=1_000_000, description="largest number of images, chosen by the seed"
    )
    latents: ClassVar[Literal["draws", "means", "encoded"]] = "encoded"

    @property
    def most_images(self) -> int:
        return self.points

    def problem(self, spec: Spec) -> str | None:
        return None

    def build(self, space: LatentSpace) -> SamplerModule:
        from vaezoo.components.nets.sampler_nets import AggregatedPosteriorNet

        return AggregatedPosteriorNet()

    def fit(
        self, latents: Tensor, labels: Tensor | None, model: VAE, generator: torch.Generator
    ) -> SamplerModule:
        from vaezoo.components.nets.sampler_nets import AggregatedPosteriorNet

        return AggregatedPosteriorNet.of(latents)


class GaussianMixtureSampler(Sampler, use="gaussian_mixture"):
    """Draws from a mixture of Gaussians with full covariances, fitted to draws of q(z|x).

    Fitted by expectation maximization to one draw of each training image, as proposed for ex-post
    density estimation (Ghosh et al. 2020, arXiv:1903.12436). Fitting needs scikit-learn, sampling
    does not: ``pip install 'vaezoo[mixture]'``.
    """

    components: int = Field(10, ge=1, le=10_000, description="number of Gaussians")
    iterations: int = Field(
        200, ge=1, le=1_000_000, description="largest number of steps of expectation maximization"
    )

    def problem(self, spec: Spec) -> str | None:
        size = spec.model.latent_size
        values = self.components * size**2
        if values > _MAX_COVARIANCES:
            return (
                f"the covariances of {self.components:,} Gaussians of {size:,} latents have "
                f"{values:,} values, the limit is {_MAX_COVARIANCES:,}"
            )
        return super().problem(spec)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.train < self.components:
            return (
                f"{self.components:,} Gaussians cannot be fitted to {data.train:,} training "
                f"image{'s'[: data.train != 1]}; lower sampler.components"
            )
        return super().data_problem(spec, data)

    def unavailable(self) -> str | None:
        if find_spec("sklearn") is None:
            return "it needs scikit-learn, pip install 'vaezoo[mixture]'"
        return None

    def build(self, space: LatentSpace) -> SamplerModule:
        from vaezoo.components.nets.sampler_nets import GaussianMixtureNet

        return GaussianMixtureNet(self.components, space.shape)

    def fit(
        self, latents: Tensor, labels: Tensor | None, model: VAE, generator: torch.Generator
    ) -> SamplerModule:
        from vaezoo.components.nets.sampler_nets import fitted_mixture

        return fitted_mixture(latents, self.components, self.iterations, generator)


COMPONENTS: list[type[Component]] = [PriorSampler, AggregatedPosterior, GaussianMixtureSampler]
