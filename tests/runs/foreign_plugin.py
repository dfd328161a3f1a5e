"""A plugin with a dataset, likelihood, loss, metric and visualizer unknown to vaezoo."""

from __future__ import annotations

import hashlib
import math
from typing import Any, ClassVar

from pydantic import Field

from vaezoo import (
    Dataset,
    Definition,
    Figure,
    ImageData,
    ImageShape,
    Likelihood,
    Loss,
    Metric,
    NonNegative,
    Quantity,
    Split,
    Visualizer,
    hookimpl,
)
from vaezoo.registry import Batch


class Ramps(Dataset, use="ramps"):
    """Gray 6 × 6 ramps, rising to the right or downwards."""

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 6, 6)

    @property
    def binary(self) -> bool:
        return False

    def build(self) -> ImageData:
        train, test = self._split(96, 0), self._split(40, 1)
        digest = hashlib.sha256(train.images.numpy().tobytes()).hexdigest()
        return ImageData(train, test, ("right", "down"), digest)

    def _split(self, count: int, seed: int) -> Split:
        import torch

        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(count) % 2
        ramp = torch.linspace(20, 200, 6).expand(1, 6, 6)
        images = torch.stack([ramp.mT if label else ramp for label in labels.tolist()])
        images = images + torch.randint(0, 50, images.shape, generator=generator)
        return Split(images.to(torch.uint8), labels)


class Cauchy(Likelihood, use="cauchy"):
    """Independent Cauchy densities."""

    scale: float = Field(0.2, gt=0, description="half the width at half the height")

    def formula(self, values: int, module: Any = None) -> Definition:
        return Definition(
            rf"\log p_\theta(x\mid z) = -\sum_{{i=1}}^{{{values}}} "
            r"\log\left[\pi s\,(1 + r_i^2)\right]",
            f"$s = {self.scale:g}$ and $r$ the residuals over it",
        )

    def caveat(self, binary: bool) -> str:
        return "A Cauchy density has no mean, so reconstructions are medians."

    def build(self, image: ImageShape) -> Any:
        import torch
        from torch import Tensor, nn

        class Net(nn.Module):
            def __init__(self, scale: float) -> None:
                super().__init__()
                self.scale = scale

            def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
                residuals = (images - self.mean(parameters)) / self.scale
                each = -torch.log1p(residuals**2) - math.log(math.pi * self.scale)
                return each.flatten(1).sum(1)

            def mean(self, parameters: Tensor) -> Tensor:
                return torch.sigmoid(parameters.float())

        return Net(self.scale)


class Capacity(Loss, use="capacity"):
    """Holds the KL to a capacity."""

    nats: NonNegative = Field(2.0, description="the capacity")
    terms = (*Loss.terms, Quantity("distance", "lower", title="distance to the capacity"))

    @property
    def draws(self) -> int:
        return 1

    def formula(self) -> Definition:
        return Definition(
            r"\mathcal{L}(x) = -\log p_\theta(x\mid z) + |\mathrm{KL} - C|", f"$C = {self.nats:g}$"
        )

    def relation(self, is_bound: bool) -> str:
        return r"It is the negative ELBO less $C$ wherever the KL is above $C$."

    def tradeoff(self) -> str:
        return "The objective leaves the rate at its capacity."

    def build(self) -> Any:
        from torch import nn

        class Net(nn.Module):
            def forward(self, model: Any, batch: Any, weights: Any, generator: Any) -> Any:
                trace = model.trace(batch, generator)
                reconstruction, kl = trace.reconstruction, (trace.log_q - trace.log_p)[0]
                distance = (kl - weights["nats"]).abs()
                terms = {"objective": reconstruction + distance, "distance": distance}
                return terms | {"reconstruction": reconstruction, "kl": kl}

        return Net()


class Fidelity(Metric, use="fidelity"):
    """The quality of reconstructions, in three figures."""

    samples: int = Field(4, ge=1, description="draws of z for each image")
    figures: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "psnr",
            "higher",
            unit="dB",
            title="peak signal-to-noise ratio",
            least=0.0,
            most=60.0,
            formula=r"-10\,\log_{10} \overline{(x_i - m_i)^2}",
            caveat="A blurred image may have a high one.",
        ),
        Quantity("largest_error", "lower", unit="grey levels", least=0.0, most=1.0),
        Quantity("best_draw", "higher", with_samples="rises"),
    )

    def reading(self, figures: Any, spec: Any) -> tuple[str, ...]:
        psnr = figures.get("psnr")
        return (f"Reconstructions stand {psnr.value:.1f} dB above their noise.",) if psnr else ()

    def compute(self, context: Any) -> list[Figure]:
        import torch

        model, generator = context.model, context.generator()
        images = context.split.images.to(model.device) / 255
        with torch.inference_mode():
            errors = (images - model.reconstruct(images)).flatten(1)
            trace = model.trace(Batch(images), generator, samples=self.samples)
            best = trace.log_likelihood.max(0).values
        context.advance(len(images))
        values = {
            "psnr": -10 * (errors**2).mean().log10(),
            "largest_error": errors.abs().max(),
            "best_draw": best.mean(),
        }
        return [
            Figure(
                quantity.name,
                values[quantity.name].item(),
                quantity.unit,
                context.split_name,
                context.spec.model.likelihood.use,
                str(context.binarization),
                self.samples if quantity.name == "best_draw" else 0,
                len(images),
            )
            for quantity in type(self).figures
        ]


class MeanImage(Visualizer, use="mean_image"):
    """The mean of the images.

    And nothing else.
    """

    def draw(self, context: Any) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(1, 1))
        axes = figure.add_subplot()
        axes.imshow(context.split.images.float().mean(0)[0].numpy(), cmap="gray")
        axes.set_axis_off()
        return figure


@hookimpl
def vaezoo_components() -> list[type[Any]]:
    return [Ramps, Cauchy, Capacity, Fidelity, MeanImage]
