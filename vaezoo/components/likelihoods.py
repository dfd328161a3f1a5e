"""Likelihoods: what the decoder's output means, p(x|z), in nats summed over pixels."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat
from pydantic_core import PydanticCustomError

from vaezoo.registry import Component, ImageShape, Likelihood
from vaezoo.registry.contracts import LikelihoodModule


def _scale(value: Any) -> Any:
    """A finite number above 0, or the word ``learned``; one error for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "learned" or (is_number and math.isfinite(value) and value > 0):
        return value
    raise PydanticCustomError(
        "vaezoo_scale",
        "a scale is a number above 0 or 'learned'",
        {"hint": "write scale: learned, or a standard deviation such as scale: 0.1"},
    )


Scale = Annotated[
    float | Literal["learned"],
    BeforeValidator(_scale, json_schema_input_type=PositiveFloat | Literal["learned"]),
]


class Bernoulli(Likelihood, use="bernoulli"):
    """A coin for each pixel; the decoder gives its logit.

    On binary images log p(x|z) is a log-probability. On grey levels in [0, 1] the same formula
    is the binary cross-entropy that many VAEs are trained with, which is no log-likelihood:
    it cannot fall below the entropy of the grey levels themselves.
    """

    @property
    def for_binary_images(self) -> bool:
        return True

    @property
    def never_positive(self) -> bool:
        return True

    def weights_depend_on(self) -> None:
        return None

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): logits."""
        from vaezoo.components.nets.likelihoods import BernoulliNet

        return BernoulliNet()


class ContinuousBernoulli(Likelihood, use="continuous_bernoulli"):
    """The Bernoulli's formula made a density on [0, 1] by its normaliser.

    Loaiza-Ganem and Cunningham (2019), arXiv:1907.06845.
    """

    def weights_depend_on(self) -> None:
        return None

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): logits of λ."""
        from vaezoo.components.nets.likelihoods import ContinuousBernoulliNet

        return ContinuousBernoulliNet()


class Gaussian(Likelihood, use="gaussian"):
    """A normal density for each pixel, with one standard deviation for all of them.

    ``scale: learned`` makes it a parameter of the model, as in the σ-VAE
    (Rybkin, Daniilidis and Levine 2021, arXiv:2006.13202).
    """

    scale: Scale = Field("learned", description="the standard deviation, above 0, or 'learned'")
    mean: Literal["sigmoid", "linear"] = Field(
        "sigmoid", description="map from the decoder's output to the mean"
    )

    @property
    def deviation(self) -> float | None:
        return None if self.scale == "learned" else self.scale

    def weights_depend_on(self) -> tuple[()]:
        return ()  # a fixed scale is kept with the weights, in the place of a learned one

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): the mean before its map."""
        from vaezoo.components.nets.likelihoods import GaussianNet

        return GaussianNet(self.scale, self.mean)


class MSE(Likelihood, use="mse"):
    """Summed squared error, −log p(x|z) = Σ (x − μ)² up to a constant that is left out.

    It is the Gaussian with variance ½: log N(x; μ, ½) = −(x − μ)² − ½ log π. Leaving out the
    constant, 0.572 nats a pixel, changes no gradient, but makes the ELBO no bound on log p(x).
    """

    mean: Literal["sigmoid", "linear"] = Field(
        "sigmoid", description="map from the decoder's output to the mean"
    )

    @property
    def never_positive(self) -> bool:
        return True

    @property
    def deviation(self) -> float:
        return math.sqrt(0.5)

    def weights_depend_on(self) -> None:
        return None

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): the mean before its map."""
        from vaezoo.components.nets.likelihoods import SquaredErrorNet

        return SquaredErrorNet(self.mean)


COMPONENTS: list[type[Component]] = [Bernoulli, ContinuousBernoulli, Gaussian, MSE]
