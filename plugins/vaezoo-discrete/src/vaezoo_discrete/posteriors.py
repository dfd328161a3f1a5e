"""Posteriors over codes: integers that stand for vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from vaezoo import DataFacts, Definition, LatentSpace, Positive, Posterior, value_at

if TYPE_CHECKING:
    from vaezoo import Spec
    from vaezoo.registry.module_contracts import PosteriorModule, Shape

_NEAREST = r"$z$ the index of the nearest code"


class VQPosterior(Posterior, use="vector_quantized"):
    """Each latent is the nearest vector of a learned codebook (van den Oord et al. 2017,
    arXiv:1711.00937).

    The gradient of the decoder's input is copied to the encoder's output. The penalty
    ``commitment`` keeps the encoder near its codes. Codes follow the encoder by their gradient
    (``gradient``) or by moving averages (``ema``, appendix A.1), which also moves a code that is
    hardly used onto a vector of the batch.
    """

    codes: int = Field(512, ge=2, le=65536, description="number of codes")
    dimensions: int = Field(64, ge=1, le=4096, description="length of a code")
    commitment: float = Field(
        0.25, ge=0, description="weight of the commitment penalty, a sum over the numbers of z"
    )
    update: Literal["ema", "gradient"] = Field("ema", description="how codes are learned")
    decay: float = Field(0.99, gt=0, lt=1, description="decay of the moving averages")
    reset_below: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="with ema: move codes whose share of use falls below this fraction of the "
        "mean share",
    )

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        vectors = data.train * spec.model.latent_size
        if vectors >= self.codes:
            return None
        return (
            f"its codebook of {self.codes:,} codes is larger than the data, {vectors:,} latents in "
            f"{data.train:,} training images; set codes to {vectors} or less"
        )

    def space(self, latent: Shape) -> LatentSpace:
        return LatentSpace(latent, "code", self.codes)

    def encoder_output(self, latent: Shape) -> Shape:
        return (self.dimensions, *latent)

    def decoder_input(self, latent: Shape) -> Shape:
        return (self.dimensions, *latent)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, dimensions, *latent): a vector for each latent."""
        from vaezoo_discrete.vector_quantized import EMACodebook, GradientCodebook

        if self.update == "gradient":
            return GradientCodebook(self.codes, self.dimensions, self.commitment)
        return EMACodebook(
            self.codes, self.dimensions, self.commitment, self.decay, self.reset_below
        )

    def formula(self, latent: int) -> Definition:
        return Definition(r"q_\phi(z\mid x) = 1[z = \arg\min_k |f_\phi(x) - e_k|]", _NEAREST)


class FSQPosterior(Posterior, use="fsq"):
    """Finite scalar quantization: each number of a short vector is rounded to a few levels
    (Mentzer et al. 2023, arXiv:2309.15505). There is no codebook and no penalty.
    """

    levels: Annotated[
        tuple[Annotated[int, Field(ge=2, le=1024)], ...], Field(min_length=1, max_length=16)
    ] = Field((8, 5, 5, 5), description="levels of each number; their product is the codes")

    def shape_problem(self, latent: Shape) -> str | None:
        codes = math.prod(self.levels)
        return f"{codes:,} codes are too many" if codes > 2**24 else None

    def space(self, latent: Shape) -> LatentSpace:
        return LatentSpace(latent, "code", math.prod(self.levels))

    def encoder_output(self, latent: Shape) -> Shape:
        return (len(self.levels), *latent)

    def decoder_input(self, latent: Shape) -> Shape:
        return (len(self.levels), *latent)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, len(levels), *latent): a short vector for each latent."""
        from vaezoo_discrete.scalar_quantized import FSQFamily

        return FSQFamily(self.levels)

    def formula(self, latent: int) -> Definition:
        return Definition(
            r"q_\phi(z\mid x) = 1[z = \mathrm{round}(f_\phi(x))]", r"$z$ the rounded output"
        )


class CategoricalPosterior(Posterior, use="categorical"):
    """Independent categorical latents with Gumbel-softmax gradients (Jang et al. 2017,
    arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712).

    In training the decoder receives softmax((logits + Gumbel noise) / temperature), or with
    ``hard`` the one-hot code with that gradient; otherwise the one-hot code.
    """

    classes: int = Field(10, ge=2, le=65536, description="values of each latent")
    temperature: Positive = Field(1.0, description="temperature of the softmax in training")
    hard: bool = Field(False, description="whether the decoder receives one-hot codes in training")

    @property
    def is_factorial(self) -> bool:
        return True

    def space(self, latent: Shape) -> LatentSpace:
        return LatentSpace(latent, "code", self.classes)

    def encoder_output(self, latent: Shape) -> Shape:
        return (self.classes, *latent)

    def decoder_input(self, latent: Shape) -> Shape:
        return (self.classes, *latent)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, classes, *latent): logits."""
        from vaezoo_discrete.categorical import CategoricalFamily

        return CategoricalFamily(self.classes, value_at(self.temperature, 0), hard=self.hard)

    def formula(self, latent: int) -> Definition:
        return Definition(
            r"q_\phi(z\mid x) = \prod_j \mathrm{softmax}(f_\phi(x)_j)_{z_j}",
            r"$z = \arg\max(f_\phi(x) + g)$, $g$ Gumbel noise",
        )
