"""Build the model of a spec."""

from __future__ import annotations

from inspect import isfunction
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.model.condition import LabelledPrior, WithOneHot
from vaezoo.model.vae import VAE
from vaezoo.registry import Condition, Decoder, Encoder, ImageShape, Prior
from vaezoo.registry.blame import blamed
from vaezoo.registry.module_contracts import (
    LikelihoodModule,
    PosteriorModule,
    PriorModule,
    TopologyModule,
)
from vaezoo.spec.conditioning import condition_of, decoder_input, encoder_image

if TYPE_CHECKING:
    from vaezoo.spec.spec import Spec

_MODULE = "to build its module"

M = TypeVar("M")


def build(spec: Spec, *, seed: int | None = None, condition: Condition | None = None) -> VAE:
    """The untrained model of a spec on the CPU, initialized with ``seed`` (or the spec's).

    ``condition`` holds the classes of a conditional model; by default the dataset names them.

    Raises PluginError (VZ303) for a component that fails, SpecError (VZ402) for a condition
    without classes.
    """
    image = spec.dataset.image_shape
    parts, latent = spec.model, spec.model.latent_shape
    condition = condition or required_condition(spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed if seed is None else seed)
        with blamed(parts.encoder, _MODULE):
            encoder = require_module(build_encoder(spec, condition))
        with blamed(parts.decoder, _MODULE):
            decoder = require_module(build_decoder(spec, condition))
        with blamed(parts.likelihood, _MODULE):
            likelihood = require_module(parts.likelihood.build(image), LikelihoodModule)
        with blamed(parts.prior, _MODULE):
            prior = require_module(build_prior(spec, condition), PriorModule)
        with blamed(parts.posterior, _MODULE):
            family = require_module(parts.posterior.build(latent), PosteriorModule)
        with blamed(parts.topology, _MODULE):
            topology = require_module(parts.topology.build(parts.posterior, latent), TopologyModule)
        return VAE(
            image,
            parts.posterior.space(latent),
            encoder,
            decoder,
            likelihood,
            prior,
            family=family,
            topology=topology,
            condition=condition,
            spec=spec,
        )


def require_module(built: M, interface: type = object) -> M:
    """What a component built. Raises TypeError unless it is a module with a protocol's methods."""
    if not isinstance(built, nn.Module):
        raise TypeError(f"build returned {built!r:.80}, not an nn.Module")
    methods = [name for name, value in vars(interface).items() if isfunction(value)]
    missing = [name for name in methods if not callable(getattr(built, name, None))]
    if missing:
        raise TypeError(f"its module {type(built).__name__} has no method {', '.join(missing)}")
    return built


def required_condition(spec: Spec) -> Condition | None:
    """The condition of a spec's model. Raises SpecError (VZ402) where its classes are unknown."""
    condition = condition_of(spec)
    if condition is None and spec.model.condition is not None:
        raise SpecError(
            Diagnostic(
                "VZ402",
                f"the model is conditioned on labels, but the classes of {spec.dataset.use!r} are "
                "unknown",
                hint=spec.dataset.problem() or "remove model.condition, or change the dataset",
            )
        )
    return condition


def build_encoder(spec: Spec, condition: Condition | None) -> nn.Module:
    """The encoder's module; that of a conditional model takes images and labels (B,)."""
    part = spec.model.encoder
    return _with_labels(part, encoder_image(spec, condition), spec.model.encoder_output, condition)


def build_decoder(spec: Spec, condition: Condition | None) -> nn.Module:
    """The decoder's module; that of a conditional model takes latents and labels (B,)."""
    output = decoder_output(spec, spec.dataset.image_shape)
    return _with_labels(spec.model.decoder, decoder_input(spec, condition), output, condition)


def _with_labels(
    part: Encoder | Decoder, given: Any, output: Any, condition: Condition | None
) -> nn.Module:
    if condition is None:
        return part.build(given, output)
    if type(part).conditional:
        module: nn.Module = _build_conditional(part, given, output, condition=condition)
        return module
    return WithOneHot(part.build(given, output), condition.size)


def build_prior(spec: Spec, condition: Condition | None) -> PriorModule:
    """The prior's module; a conditional prior of a conditional model takes labels."""
    part, space = spec.model.prior, spec.model.prior_space
    if condition is None or not type(part).conditional:
        return part.build(space)
    return LabelledPrior(_build_conditional(part, space, condition=condition))


def _build_conditional(part: Encoder | Decoder | Prior, *shapes: Any, condition: Condition) -> Any:
    build: Any = part.build  # that of a part that declares ``conditional`` takes a condition
    return build(*shapes, condition=condition)


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
