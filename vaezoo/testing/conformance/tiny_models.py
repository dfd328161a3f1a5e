"""Tiny but real images, specs, models and contexts for the checks.

The module is also a plugin, so that a whole run can use its dataset.
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from vaezoo.model import VAE, build
from vaezoo.registry import (
    Component,
    Dataset,
    EvaluationContext,
    ImageData,
    ImageShape,
    Registry,
    Split,
    discover,
    hookimpl,
)
from vaezoo.registry.contracts import ImageClassifier
from vaezoo.spec.spec import Spec
from vaezoo.training import Observer, Trained, train

#: Argument of ``discover`` that registers the dataset below.
PLUGIN = __name__
SMALL = ImageShape(1, 8, 8)
Latent = int | list[int]


class Patches(Dataset, use="conformance_patches"):
    """Images of one bright patch on a dim background; its quadrant is the label."""

    channels: int = Field(1, ge=1, description="1 for gray, 3 for color")
    height: int = Field(8, ge=2, description="rows of an image")
    width: int = Field(8, ge=2, description="columns of an image")
    count: int = Field(96, ge=8, description="images of the training split; a third for the test")

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(self.channels, self.height, self.width)

    def build(self) -> ImageData:
        generator = torch.Generator().manual_seed(11)
        train, test = (self._split(n, generator) for n in (self.count, self.count // 3))
        content = train.images.numpy().tobytes() + test.images.numpy().tobytes()
        names = ("top left", "top right", "bottom left", "bottom right")
        return ImageData(train, test, names, hashlib.sha256(content).hexdigest())

    def classifier(self) -> ImageClassifier:
        return Quadrants(self.build().test)

    def _split(self, count: int, generator: torch.Generator) -> Split:
        labels = torch.arange(count) % 4
        images = torch.randint(0, 40, (count, *self.image_shape), generator=generator)
        rows, columns = self.height // 2, self.width // 2
        for image, label in zip(images, labels.tolist(), strict=True):
            top, left = rows * (label // 2), columns * (label % 2)
            image[:, top : top + rows, left : left + columns] += 200
        return Split(images.to(torch.uint8), labels)


class Quadrants(nn.Module):
    """Classifies patches by the brightest quadrant; the features are the quadrants' means."""

    def __init__(self, test: Split) -> None:
        super().__init__()
        assert test.labels is not None
        features = self.features(test.images / 255)
        guesses = features.view(len(features), -1, 4).mean(1).argmax(1)
        self.accuracy = guesses.eq(test.labels).double().mean().item()
        self.digest = hashlib.sha256(b"means of the quadrants").hexdigest()

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> (B, 4 · C)."""
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The dataset."""
    return [Patches]


def small_spec(
    image: ImageShape = SMALL,
    latent: Latent = 2,
    registry: Registry | None = None,
    **parts: Any,
) -> Spec:
    """A spec of built-in parts on patches; ``parts`` replaces some, such as ``prior=Mine()``."""
    channels, height, width = image
    network = {"use": "mlp", "hidden": [16]}
    model = {"latent": latent, "encoder": network, "decoder": network}
    train = {"epochs": 2, "batch_size": 32, "validation": 0.25, "seed": 3}
    data: dict[str, Any] = {
        "vaezoo": 1,
        "name": "conformance",
        "dataset": Patches(channels=channels, height=height, width=width),
        "metrics": (),
        "visualizers": (),
    }
    for name, part in parts.items():
        if name in ("encoder", "posterior", "topology", "decoder", "likelihood", "prior"):
            model[name] = part
        elif name in ("optimizer", "epochs"):
            train[name] = part
        else:
            data[name] = part
    context = {"registry": registry or discover()}
    return Spec.model_validate({**data, "model": model, "train": train}, context=context)


def small_model(
    image: ImageShape = SMALL, latent: Latent = 2, *, seed: int = 3, **parts: Any
) -> VAE:
    """The untrained model of ``small_spec``."""
    return build(small_spec(image, latent, **parts), seed=seed)


def small_context(
    image: ImageShape = SMALL, latent: int = 2, *, labels: bool = True, history: bool = True
) -> EvaluationContext:
    """The test split and a model trained for two epochs; each caller gets a copy."""
    trained, data = _trained(image, latent)
    if not labels:
        bare = (Split(split.images) for split in (data.train, data.test))
        data = ImageData(next(bare), next(bare), (), data.digest)
    model = copy.deepcopy(trained.model)
    return EvaluationContext.of_test(model, data, trained.history if history else ())


@lru_cache(maxsize=8)
def _trained(image: ImageShape, latent: int) -> tuple[Trained, ImageData]:
    spec = small_spec(image, latent)
    data = spec.dataset.build()
    with tempfile.TemporaryDirectory() as folder:
        cpu = torch.device("cpu")
        trained = train(spec, data, device=cpu, directory=Path(folder), observer=Observer())
    return trained, data
