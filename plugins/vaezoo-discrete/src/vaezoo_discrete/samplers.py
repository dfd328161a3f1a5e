"""The sampler ``pixelcnn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from vaezoo import LatentSpace, Sampler
from vaezoo.registry import DataFacts

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaezoo import VAE, Spec
    from vaezoo.registry.module_contracts import SamplerModule


class PixelCNNSampler(Sampler, use="pixelcnn"):
    """Draws codes one after another, each given those before it in rows from the top left.

    A network of masked convolutions is trained on the codes of the training images by their
    log-likelihood (van den Oord et al. 2016, arXiv:1601.06759). Drawing takes one pass per code.
    """

    supports: ClassVar[tuple[str, ...]] = ("code",)

    channels: int = Field(64, ge=1, le=1024, description="channels of the hidden layers")
    layers: int = Field(5, ge=1, le=64, description="residual layers after the first one")
    epochs: int = Field(10, ge=1, le=10_000, description="passes over the codes")
    batch_size: int = Field(128, ge=1, description="images per step")
    lr: float = Field(1e-3, gt=0, description="learning rate of Adam")

    def problem(self, spec: Spec) -> str | None:
        if len(spec.model.latent_shape) > 2:
            return "it draws a row or a grid of codes, not one with channels"
        return super().problem(spec)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        levels = spec.model.posterior.space(spec.model.latent_shape).levels or 0
        if levels > data.train * spec.model.latent_size > 0:
            return (
                f"{levels:,} codes are more than the {data.train * spec.model.latent_size:,} that "
                "the training images have"
            )
        return super().data_problem(spec, data)

    def build(self, space: LatentSpace) -> SamplerModule:
        from vaezoo_discrete.pixelcnn import PixelCNN

        assert space.levels is not None
        return PixelCNN(space.shape, space.levels, self.channels, self.layers)

    def fit(
        self, latents: Tensor, labels: Tensor | None, model: VAE, generator: torch.Generator
    ) -> SamplerModule:
        from vaezoo_discrete.pixelcnn import PixelCNN, train

        assert model.space.levels is not None
        network = PixelCNN(model.space.shape, model.space.levels, self.channels, self.layers)
        train(network, latents, self.epochs, self.batch_size, self.lr)
        return network
