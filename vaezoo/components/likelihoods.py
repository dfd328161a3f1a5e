"""Likelihoods p(x|z) of the decoder's output, in nats summed over pixels."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat
from pydantic_core import PydanticCustomError

from vaezoo.registry import Component, Definition, ImageShape, Likelihood
from vaezoo.registry.fields.tex import LOG_LIKELIHOOD, number
from vaezoo.registry.module_contracts import LikelihoodModule


def _scale(value: Any) -> Any:
    """Accept a finite number above 0 or the word ``learned``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "learned" or (is_number and math.isfinite(value) and value > 0):
        return value
    raise PydanticCustomError(
        "vaezoo_scale",
        "must be a number above 0 or 'learned'",
        {"hint": "write scale: learned, or a standard deviation such as scale: 0.1"},
    )


Scale = Annotated[
    float | Literal["learned"],
    BeforeValidator(_scale, json_schema_input_type=PositiveFloat | Literal["learned"]),
]
#: map from the decoder's output to the mean, in TeX
_MEANS = {"sigmoid": r"\mathrm{sigmoid}(f_\theta(z))", "linear": r"f_\theta(z)"}


def _over(values: int) -> str:
    return rf"\sum_{{i=1}}^{{{values}}}"


class Bernoulli(Likelihood, use="bernoulli"):
    """Independent Bernoulli distributions; the decoder outputs logits.

    On binary images log p(x|z) is a log-probability. On gray levels in [0, 1] the same formula is
    the binary cross-entropy, which many VAEs use as a loss. It is not a log-likelihood: it cannot
    fall below the entropy of the gray levels.
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
        from vaezoo.components.nets.likelihood_nets import BernoulliNet

        return BernoulliNet()

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition:
        return Definition(
            rf"{LOG_LIKELIHOOD} = {_over(values)} \left[\, x_i\,\log \pi_i"
            r" + (1 - x_i)\,\log(1 - \pi_i) \,\right]",
            r"$\pi = \mathrm{sigmoid}(f_\theta(z))$ the chance of white for each value",
        )

    def caveat(self, binary: bool) -> str:
        if binary:
            return ""
        return (
            "The Bernoulli likelihood is applied to grey levels as they are. That binary "
            "cross-entropy is not a log-likelihood, so the ELBO here is no bound on log p(x): "
            "compare it only with figures obtained in the same way."
        )


class ContinuousBernoulli(Likelihood, use="continuous_bernoulli"):
    """Independent continuous Bernoulli densities on [0, 1]; the decoder outputs logits.

    The Bernoulli formula with its normalizer (Loaiza-Ganem and Cunningham 2019,
    arXiv:1907.06845).
    """

    def weights_depend_on(self) -> None:
        return None

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): logits of λ."""
        from vaezoo.components.nets.likelihood_nets import ContinuousBernoulliNet

        return ContinuousBernoulliNet()

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition:
        return Definition(
            rf"{LOG_LIKELIHOOD} = {_over(values)} \left[\, x_i\,\log \lambda_i + (1 - x_i)\,"
            r"\log(1 - \lambda_i) + \log \frac{2\,\mathrm{artanh}(1 - 2\lambda_i)}"
            r"{1 - 2\lambda_i} \,\right]",
            r"$\lambda = \mathrm{sigmoid}(f_\theta(z))$; the last term makes it a density on "
            r"[0, 1], and is $\log 2$ at $\lambda_i = 1/2$",
        )


class Gaussian(Likelihood, use="gaussian"):
    """Independent normal densities with one standard deviation for all pixels.

    ``scale: learned`` makes it a parameter of the model, as in the σ-VAE (Rybkin, Daniilidis and
    Levine 2021, arXiv:2006.13202).
    """

    scale: Scale = Field("learned", description="standard deviation, or 'learned'")
    mean: Literal["sigmoid", "linear"] = Field(
        "sigmoid", description="map from the decoder's output to the mean"
    )

    @property
    def deviation(self) -> float | None:
        return None if self.scale == "learned" else self.scale

    def weights_depend_on(self) -> tuple[()]:
        return ()  # the weights contain the scale even if it is fixed

    def build(self, image: ImageShape) -> LikelihoodModule:
        """Parameters (B, C, H, W): the mean before its map."""
        from vaezoo.components.nets.likelihood_nets import GaussianNet

        return GaussianNet(self.scale, self.mean)

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition:
        return Definition(
            rf"{LOG_LIKELIHOOD} = -{_over(values)} \left[\, \frac{{(x_i - m_i)^2}}{{2 s^2}}"
            r" + \log s + \frac{1}{2}\log 2\pi \,\right]",
            f"$m = {_MEANS[self.mean]}$, and {self._scale_text(module)}",
        )

    def _scale_text(self, module: Any) -> str:
        if self.scale != "learned":
            return f"$s = {number(self.scale)}$ by the spec"
        if module is None:
            return "one scale $s$ for all values, learned"
        learned = float(module.log_scale.detach().exp())
        return f"one scale for all values, which training took to $s = {learned:.4g}$"


class MSE(Likelihood, use="mse"):
    """Summed squared error: −log p(x|z) = Σ (x − μ)², without a constant.

    This is the Gaussian with variance ½, log N(x; μ, ½) = −(x − μ)² − ½ log π, without its
    constant of 0.572 nats per pixel. The gradients are the same, but the ELBO is not a bound on
    log p(x).
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
        from vaezoo.components.nets.likelihood_nets import SquaredErrorNet

        return SquaredErrorNet(self.mean)

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition:
        return Definition(
            rf"{LOG_LIKELIHOOD} = -{_over(values)} (x_i - m_i)^2 \;+\; \mathrm{{constant}}",
            rf"$m = {_MEANS[self.mean]}$: the normal density of variance $1/2$, whose constant, "
            r"$-\frac{1}{2}\log\pi$ a value, is left out",
        )

    def caveat(self, binary: bool) -> str:
        return (
            "The reconstruction term is a summed squared error, a Gaussian with its constant left "
            "out, so the ELBO here is no bound on log p(x): compare it only with figures obtained "
            "in the same way."
        )


COMPONENTS: list[type[Component]] = [Bernoulli, ContinuousBernoulli, Gaussian, MSE]
