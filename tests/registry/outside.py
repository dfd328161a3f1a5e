"""A plugin with all eleven kinds and all six hooks, made of public names alone."""

import hashlib
import json
import math
from typing import Any

import click
from pydantic import Field

from vaezoo import (
    Dataset,
    Decoder,
    Encoder,
    Figure,
    ImageData,
    ImageShape,
    Likelihood,
    Loss,
    Metric,
    NonNegative,
    Optimizer,
    Positive,
    Posterior,
    Prior,
    Sampler,
    Split,
    Topology,
    Visualizer,
    hookimpl,
)


class OutsideDataset(Dataset, use="outside"):
    """Noise."""

    count: int = Field(64, ge=8, description="images of each split")

    @property
    def image_shape(self):
        return ImageShape(1, 4, 4)

    def build(self):
        import torch

        generator = torch.Generator().manual_seed(0)
        shape = (2, self.count, *self.image_shape)
        images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        digest = hashlib.sha256(images.numpy().tobytes()).hexdigest()
        return ImageData(Split(images[0]), Split(images[1]), (), digest)


class OutsideEncoder(Encoder, use="outside"):
    """One linear map."""

    def build(self, image, output):
        from torch import nn

        line = nn.Linear(math.prod(image), math.prod(output))
        return nn.Sequential(nn.Flatten(), line, nn.Unflatten(1, output))


class OutsidePosterior(Posterior, use="outside"):
    """Normal latents of deviation 1; there is no entropy, so no KL in closed form."""

    def encoder_output(self, latent):
        return latent

    def build(self, latent):
        import torch
        from torch import nn

        from vaezoo import LatentDistribution

        class Unit(LatentDistribution):
            def __init__(self, mean):
                self._mean = mean

            @property
            def mean(self):
                return self._mean

            def sample(self, generator):
                noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device)
                return self.mean + noise

            def log_prob(self, z):
                return -0.5 * ((z - self.mean) ** 2 + math.log(2 * math.pi)).sum(1)

        class Family(nn.Module):
            def forward(self, parameters):
                return Unit(parameters)

            def features(self, z):
                return z

        return Family()


class OutsideTopology(Topology, use="outside"):
    """One latent variable."""

    def build(self, posterior, latent):
        from torch import nn

        from vaezoo import Inference, Site

        class Net(nn.Module):
            def posterior(self, model, encoded):
                return model.family(encoded)

            def infer(self, model, encoded, generator, samples):
                each = model.family(encoded.repeat(samples, 1))
                z = each.sample(generator)
                return Inference((Site("z", z, each, model.prior),), model.family.features(z))

            def sample(self, model, count, generator):
                return model.prior.sample(count, generator)

        return Net()


class OutsideDecoder(Decoder, use="outside"):
    """One linear map."""

    def build(self, latents, output):
        from torch import nn

        pixels = nn.Linear(math.prod(latents), math.prod(output))
        return nn.Sequential(nn.Flatten(), pixels, nn.Unflatten(1, tuple(output)))


class OutsideLikelihood(Likelihood, use="outside"):
    """A normal density of deviation 1 for each pixel."""

    def build(self, image):
        from torch import nn

        class Net(nn.Module):
            def log_prob(self, images, parameters):
                squared = (images - self.mean(parameters)) ** 2
                return -0.5 * (squared + math.log(2 * math.pi)).flatten(1).sum(1)

            def mean(self, parameters):
                return parameters.float().sigmoid()

        return Net()


class OutsidePrior(Prior, use="outside"):
    """A standard normal density without a closed form of the KL."""

    def build(self, space):
        import torch
        from torch import nn

        class Net(nn.Module):
            def log_prob(self, z):
                return -0.5 * (z**2 + math.log(2 * math.pi)).sum(1)

            def sample(self, count, generator):
                shape = (count, *space.shape)
                return torch.randn(shape, generator=generator, device=generator.device)

            def kl(self, posterior):
                return None

        return Net()


class OutsideLoss(Loss, use="outside"):
    """The negative ELBO; without end after so many batches, to make a run fail."""

    beta: NonNegative = Field(1.0, description="weight of the KL term")

    def build(self):
        from torch import nn

        class Net(nn.Module):
            def forward(self, model, batch, weights, generator):
                trace = model.trace(batch, generator)
                reconstruction, kl = trace.reconstruction, trace.kl
                objective = reconstruction + weights["beta"] * kl
                return {"objective": objective, "reconstruction": reconstruction, "kl": kl}

        return Net()


class OutsideOptimizer(Optimizer, use="outside"):
    """Gradient descent."""

    lr: Positive = Field(1e-2, description="learning rate, a number or a schedule")

    def build(self, parameters, lr):
        import torch

        return torch.optim.SGD(parameters, lr=lr)


class OutsideSampler(Sampler, use="outside"):
    """The mean latents of random training images."""

    latents = "means"

    def build(self, space):
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("points", torch.zeros(8, *space.shape))

            def sample(self, count, generator):
                rows = torch.randint(8, (count,), generator=generator, device=generator.device)
                return self.points[rows]

        return Net()

    def fit(self, latents, labels, model, generator):
        net = self.build(model.space)
        net.load_state_dict({"points": latents[:8]})
        return net


class OutsideMetric(Metric, use="outside"):
    """Mean absolute error of a pixel."""

    def compute(self, context):
        images = context.split.images
        errors = (images / 255 - context.model.reconstruct(images).cpu()).abs()
        likelihood = context.spec.model.likelihood.use
        value = errors.mean().item()
        return [
            Figure("outside", value, "", context.split_name, likelihood, "none", 0, len(images)),
        ]


class OutsideVisualizer(Visualizer, use="outside"):
    """The mean image at the first latents that are drawn."""

    def draw(self, context):
        from matplotlib.figure import Figure as Picture

        image = context.model.sample(1)[0].cpu()
        picture = Picture(figsize=(1, 1))
        picture.add_subplot().imshow(image.permute(1, 2, 0).numpy(), cmap="gray")
        return picture


def tell(hook, **told):
    with open("told.jsonl", "a") as file:
        file.write(json.dumps({"hook": hook, **told}) + "\n")


def parameters(run):
    return sum(parameter.numel() for parameter in run.model.parameters())


SEEN: dict[str, Any] = {}


@hookimpl
def vaezoo_components():
    return [
        OutsideDataset,
        OutsideEncoder,
        OutsidePosterior,
        OutsideTopology,
        OutsideDecoder,
        OutsideLikelihood,
        OutsidePrior,
        OutsideLoss,
        OutsideOptimizer,
        OutsideSampler,
        OutsideMetric,
        OutsideVisualizer,
    ]


@hookimpl
def vaezoo_commands():
    @click.command("outside-told")
    def told():
        """Count what was told."""
        with open("told.jsonl") as file:
            click.echo(f"{len(file.readlines())} lines")

    return [told]


@hookimpl
def vaezoo_run_started(run):
    SEEN["weights"] = [parameter.detach().clone() for parameter in run.model.parameters()]
    plugins = sorted({plugin["name"] for plugin in run.lock["plugins"]})
    tell("vaezoo_run_started", spec=run.spec.name, plugins=plugins, parameters=parameters(run))


@hookimpl
def vaezoo_epoch_finished(run, record):
    now = list(run.model.parameters())
    moved = any((old != new).any() for old, new in zip(SEEN["weights"], now, strict=True))
    tell(
        "vaezoo_epoch_finished",
        epoch=record.epoch,
        train=record.train,
        parameters=parameters(run),
        reconstructed=list(run.model.reconstruct(run.data.test.images[:3]).shape),
        weights_moved=bool(moved),
    )


@hookimpl
def vaezoo_run_finished(run, entry):
    figures = {f"{one.split}/{one.name}": one.value for one in entry.metrics.figures}
    pictures = [str(path) for path in entry.figures]
    tell("vaezoo_run_finished", path=str(entry.path), figures=figures, pictures=pictures)


@hookimpl
def vaezoo_run_failed(run, error):
    tell("vaezoo_run_failed", error=type(error).__name__)
