"""Small components and a spec of their own, so that these tests need no built-in one."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import torch
from torch import nn

from vaezoo.model import VAE, DiagonalGaussianFamily, SingleSite, build
from vaezoo.registry import (
    Dataset,
    Decoder,
    Encoder,
    EpochRecord,
    Figure,
    ImageData,
    ImageShape,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Plugin,
    Posterior,
    Prior,
    Registry,
    Sampler,
    TargetResult,
    Topology,
    Visualizer,
    hookimpl,
)
from vaezoo.registry.module_contracts import LatentSpace, Shape
from vaezoo.spec import Spec, from_data
from vaezoo.zoo import Entry, make_lock
from vaezoo.zoo.publish import publish


class Dots(Dataset, use="dots"):
    """Nothing to load."""

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 4, 4)

    def build(self) -> ImageData:
        raise NotImplementedError


class TwoHeads(nn.Module):
    def __init__(self, inputs: int, latent: Shape) -> None:
        super().__init__()
        size = math.prod(latent)
        self.latent = latent
        self.mean, self.log_var = nn.Linear(inputs, size), nn.Linear(inputs, size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        flat = images.flatten(1)
        return torch.stack((self.mean(flat), self.log_var(flat)), 1).unflatten(2, self.latent)


class FlatEncoder(Encoder, use="flat"):
    """One layer."""

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        return TwoHeads(math.prod(image), output[1:])


class FlatDecoder(Decoder, use="flat"):
    """One layer."""

    bias: bool = True

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        line = nn.Linear(math.prod(latents), math.prod(output), bias=self.bias)
        return nn.Sequential(line, nn.Unflatten(1, output))


class Gaussians(Posterior, use="diagonal_gaussian"):
    """Means and log-variances."""

    def encoder_output(self, latent: Shape) -> Shape:
        return (2, *latent)

    def build(self, latent: Shape) -> Any:
        return DiagonalGaussianFamily()


class Single(Topology, use="single"):
    """One latent variable."""

    def build(self, posterior: Posterior, latent: Shape) -> Any:
        return SingleSite()


class SigmoidNet(nn.Module):
    def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return -((images - parameters.sigmoid()) ** 2).flatten(1).sum(1)

    def mean(self, parameters: torch.Tensor) -> torch.Tensor:
        return parameters.sigmoid()


class Sigmoid(Likelihood, use="bernoulli"):
    """A mean and no more."""

    def build(self, image: ImageShape) -> Any:
        return SigmoidNet()


class NormalNet(nn.Module):
    def __init__(self, latent: Shape) -> None:
        super().__init__()
        self.latent = latent

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(count, *self.latent, generator=generator, device=generator.device)

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        return -0.5 * (z**2 + math.log(2 * math.pi)).flatten(1).sum(1)

    def kl(self, posterior: Any) -> torch.Tensor | None:
        return None


class Normal(Prior, use="standard_normal"):
    """Independent normal densities, without a closed KL."""

    def build(self, space: LatentSpace) -> Any:
        return NormalNet(space.shape)


class Gaussian(Posterior, use="diagonal_gaussian"):
    """Mean and log-variance."""

    def encoder_output(self, latent: Shape) -> Shape:
        return (2, *latent)

    def build(self, latent: Shape) -> Any:
        return DiagonalGaussianFamily()


class Alone(Topology, use="single"):
    """One latent variable."""

    def build(self, posterior: Posterior, latent: Shape) -> Any:
        return SingleSite()


class FromPrior(Sampler, use="prior"):
    """The prior."""

    needs_fit = False

    def build(self, space: LatentSpace) -> Any:
        return None


class Objective(Loss, use="elbo"):
    """Never built here."""

    def build(self) -> Any:
        raise NotImplementedError


class Step(Optimizer, use="adam"):
    """Never built here."""

    lr: float = 1e-3

    def build(self, parameters: Any, lr: float) -> Any:
        raise NotImplementedError


class Nothing(Metric, use="elbo"):
    """Never computed here."""

    def compute(self, context: Any) -> list[Figure]:
        return []


class Blank(Visualizer, use="samples"):
    """Never drawn here."""

    def draw(self, context: Any) -> Any:
        raise NotImplementedError


PARTS = [
    Dots,
    FlatEncoder,
    Gaussian,
    Alone,
    FlatDecoder,
    Sigmoid,
    Normal,
    Objective,
    FromPrior,
    Step,
    Nothing,
    Blank,
]
DATA: dict[str, Any] = {
    "vaezoo": 1,
    "name": "tiny",
    "summary": "A model for tests",
    "dataset": "dots",
    "model": {"latent": 2, "encoder": "flat", "decoder": {"use": "flat"}},
    "train": {"epochs": 2},
    "metrics": ["elbo"],
    "visualizers": ["samples"],
}


def terms(objective: float) -> dict[str, float]:
    """The terms of an epoch with a KL of 20 nats."""
    parts = {"reconstruction": objective - 20, "kl": 20.0}
    return {"objective": objective, **parts, "elbo": -objective}


FIGURES = [
    Figure("elbo", -105.4, "nats per example", "test", "bernoulli", "none", 10, 10_000, 0.25),
    Figure("kl", 25.0, "nats per example", "test", "bernoulli", "none", 10, 10_000, 0.1, (25.0, 0)),
]
HISTORY = [
    EpochRecord(n, terms(110.0 - n), terms(107.0 - n), {"beta": 1.0}, 1e-3, 2.5, 999.0)
    for n in (1, 2)
]
TARGET = TargetResult(
    metric="test/elbo",
    value=-105.59,
    tolerance=0.6,
    source="a | b",
    figure=-105.4,
    better="higher",
    verdict="reproduced",
    note="",
)


def registry_of(*parts: type, name: str = "parts", version: str = "1.2") -> Registry:
    module = ModuleType(name)
    module.vaezoo_components = hookimpl(  # type: ignore[attr-defined]
        lambda: list(parts), specname="vaezoo_components"
    )
    registry = Registry()
    registry.add(Plugin(name, version, "here"), module)
    return registry


class Publisher:
    """Publishes a tiny model again and again."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def spec(self, **changes: Any) -> Spec:
        return from_data({**DATA, **changes}, self.registry)

    def model(self, spec: Spec, seed: int = 0) -> VAE:
        return build(spec, seed=seed)

    def __call__(self, *, seed: int = 0, name: str = "tiny", **options: Any) -> Entry:
        spec = self.spec(name=name)
        lock = make_lock(
            spec, self.registry, device="cpu", precision="float32", dataset_digest="d0"
        )
        settings: dict[str, Any] = {
            "lock": lock,
            "figures": FIGURES,
            "targets": [TARGET],
            "history": HISTORY,
            "pictures": {"samples.png": b"\x89PNG", "parts:latents.png": b"\x89PNG"},
            "notes": ["1 of 2 latent dimensions ended unused: z1"],
        }
        return publish(spec, self.model(spec, seed), **{**settings, **options})
