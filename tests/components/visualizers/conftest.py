from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vaezoo.components.decoders import MLPDecoder
from vaezoo.components.encoders import MLPEncoder
from vaezoo.components.likelihoods import COMPONENTS as LIKELIHOODS
from vaezoo.components.priors import COMPONENTS as PRIORS
from vaezoo.model import VAE
from vaezoo.registry import EpochRecord, EvaluationContext, ImageShape, Split
from vaezoo.registry.module_contracts import LatentSpace

CLASSES = ("sandal", "boot", "bag")


class ScaledEncoder(nn.Module):
    """N(scale · x̄, 1) in each dimension, x̄ the mean pixel: KL = ½ scale² E[x̄²]."""

    def __init__(self, scales):
        super().__init__()
        self.scales = nn.Parameter(torch.tensor(scales))

    def forward(self, images):
        mean = images.mean((1, 2, 3))[:, None] * self.scales
        return torch.stack((mean, torch.zeros_like(mean)), 1)


def record(epoch, *, validation=True, beta=1.0, learning_rate=1e-3):
    reconstruction, kl = 200 + 100 / epoch**2, 6.0 + 0.01 * epoch
    terms = {
        "objective": reconstruction + beta * kl,
        "reconstruction": reconstruction,
        "kl": kl,
        "elbo": -(reconstruction + kl),
    }
    return EpochRecord(
        epoch=epoch,
        train=terms,
        validation=dict(terms) if validation else None,
        weights={"beta": beta, "free_bits": 0.0},
        learning_rate=learning_rate,
        seconds=1.0,
        images_per_second=1e4,
    )


@pytest.fixture
def make_record():
    return record


@pytest.fixture
def make_context():
    """Build a context on an untrained model; ``scales`` puts a ScaledEncoder into it."""

    def make(*, latent=2, channels=1, labels=True, count=60, epochs=5, scales=None, seed=0):
        shape = ImageShape(channels, 8, 8)
        prior: Any = next(c for c in PRIORS if c.use == "standard_normal")()
        likelihood: Any = next(c for c in LIKELIHOODS if c.use == "bernoulli")()
        spec: Any = SimpleNamespace(
            dataset=SimpleNamespace(image_shape=shape, use="blobs"),
            model=SimpleNamespace(latent=latent, latent_size=latent, likelihood=likelihood),
            train=SimpleNamespace(seed=0),
        )
        generator = torch.Generator().manual_seed(1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            encoder = MLPEncoder(hidden=(16,)).build(shape, (2, latent))
            decoder = MLPDecoder(hidden=(16,)).build((latent,), shape)
        model = VAE(
            shape,
            latent,
            encoder=encoder if scales is None else ScaledEncoder(scales),
            decoder=decoder,
            likelihood=likelihood.build(shape),
            prior=prior.build(LatentSpace((latent,))),
            spec=spec,
        )
        images = torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)
        return EvaluationContext(
            name="small",
            spec=spec,
            model=model.eval(),
            split=Split(images, torch.arange(count) % len(CLASSES) if labels else None),
            split_name="test",
            class_names=CLASSES if labels else (),
            history=tuple(record(epoch) for epoch in range(1, epochs + 1)),
            seed=seed,
        )

    return make


@pytest.fixture
def sheet_of():
    """The array of a figure's only picture."""

    def sheet(figure):
        (image,) = [image for axes in figure.axes for image in axes.images]
        return image.get_array()

    return sheet


@pytest.fixture
def texts_of():
    """All that is written on a figure."""

    def texts(figure):
        written = [text.get_text() for text in figure.texts]
        for axes in figure.axes:
            written += [text.get_text() for text in axes.texts]
        return written

    return texts
