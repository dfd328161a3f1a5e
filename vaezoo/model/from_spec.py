"""Build the model of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from vaezoo.model.vae import VAE
from vaezoo.registry import ImageShape
from vaezoo.registry.blame import blamed

if TYPE_CHECKING:
    from vaezoo.spec.spec import Spec

_MODULE = "to build its module"


def build(spec: Spec, *, seed: int | None = None) -> VAE:
    """The untrained model of a spec on the CPU, initialized with ``seed`` (or the spec's).

    Raises PluginError (VZ303) for a component that fails.
    """
    image = spec.dataset.image_shape
    parts, latent = spec.model, spec.model.latent_shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed if seed is None else seed)
        with blamed(parts.encoder, _MODULE):
            encoder = parts.encoder.build(image, parts.encoder_output)
        with blamed(parts.decoder, _MODULE):
            decoder = parts.decoder.build(parts.decoder_input, decoder_output(spec, image))
        with blamed(parts.likelihood, _MODULE):
            likelihood = parts.likelihood.build(image)
        with blamed(parts.prior, _MODULE):
            prior = parts.prior.build(parts.prior_space)
        with blamed(parts.posterior, _MODULE):
            family = parts.posterior.build(latent)
        with blamed(parts.topology, _MODULE):
            topology = parts.topology.build(parts.posterior, latent)
        return VAE(
            image,
            parts.posterior.space(latent),
            encoder,
            decoder,
            likelihood,
            prior,
            family=family,
            topology=topology,
            spec=spec,
        )


def attach_sampler(model: VAE) -> None:
    """Give a model the sampler of its spec, to load its tensors into.

    Raises PluginError (VZ303) if the sampler fails.
    """
    sampler = model.spec.sampler
    with blamed(sampler, _MODULE):
        model.set_sampler(sampler.use, sampler.build(model.space))


def attach_players(model: VAE) -> None:
    """Give a model the players of its loss, to load their tensors into, if they are kept.

    Raises PluginError (VZ303) if the loss fails.
    """
    loss = model.spec.loss
    if loss.keep_players:
        with blamed(loss, _MODULE):
            modules: Any = loss.build()
            model.set_players({name: modules.players[name] for name in loss.players()})


def decoder_output(spec: Spec, image: ImageShape) -> ImageShape:
    """The shape of the decoder's output: the likelihood's parameters of each pixel."""
    channels = image.channels * spec.model.likelihood.parameters_per_pixel
    return ImageShape(channels, image.height, image.width)
