"""Check a model by building and calling it, as ``validate --shapes`` and each run do.

Each part is first called alone with tensors on torch's meta device, which have a shape and no
memory. Then the whole model and its loss are called once. This finds errors that the components'
own ``shape_problem`` misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic
from vaezoo.model.component_trial import Trial, kind_of, tensor_problems, trial_findings
from vaezoo.model.distribution import DiagonalGaussian, LatentDistribution
from vaezoo.model.from_spec import (
    build_decoder,
    build_encoder,
    build_prior,
    decoder_output,
    require_module,
)
from vaezoo.model.loss_check import loss_findings
from vaezoo.model.part_check import part_findings
from vaezoo.registry import Component, ImageShape
from vaezoo.registry.contracts import TrainingImages
from vaezoo.registry.module_contracts import (
    BoundPrior,
    LikelihoodModule,
    PosteriorModule,
    PriorModule,
)
from vaezoo.spec.conditioning import condition_of, decoder_input, encoder_image
from vaezoo.spec.nodes import Document
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec


def shape_findings(
    spec: Spec,
    document: Document | None = None,
    *,
    images: TrainingImages | None = None,
) -> list[Diagnostic]:
    """Findings about the parts of the model and its loss.

    >>> vaezoo.validate("specs", looks=[shape_findings])
    ()

    The loss is called on the first of ``images``, random ones by default. VZ401 for a wrong shape,
    type or value, VZ303 for a component that fails for another reason, VZ402 for training settings
    of a part without parameters.
    """
    try:
        image = spec.dataset.image_shape
    except Exception:  # reported by another check
        return []
    places = Positions(document)
    found: list[Diagnostic] = []
    is_reported = False
    for trial in _trials(spec, image):
        is_reported |= trial.is_reported
        if not trial.is_reported:
            found += trial_findings(trial, places, _problems)
    found = found or part_findings(spec, document)
    unknown = spec.model.condition is not None and condition_of(spec) is None  # reported too
    return found if found or is_reported or unknown else loss_findings(spec, places, images)


def training_problem(spec: Spec, batch: int) -> tuple[Component, str] | None:
    """The encoder or decoder that fails in training mode on ``batch`` images, and its error."""
    model, image, condition = spec.model, spec.dataset.image_shape, condition_of(spec)
    labels = _labels(spec, batch)

    def encoder() -> Iterator[str]:
        build_encoder(spec, condition).train()(torch.zeros(batch, *image), *labels())
        yield from ()

    def decoder() -> Iterator[str]:
        z = torch.zeros(batch, *model.decoder_input)
        build_decoder(spec, condition).train()(z, *labels())
        yield from ()

    for trial in (
        Trial(model.encoder, ("model", "encoder"), encoder),
        Trial(model.decoder, ("model", "decoder"), decoder),
    ):
        try:
            _problems(trial)
        except Exception as error:  # a component raises anything
            return trial.component, " ".join(str(error).split()) or type(error).__name__
    return None


def _trials(spec: Spec, image: ImageShape) -> Iterator[Trial]:
    model, size = spec.model, 3 if spec.model.latent_size == 2 else 2
    batch, output = (size, *image), decoder_output(spec, image)
    encoded, decoded = model.encoder_output, model.decoder_input
    space = model.posterior.space(model.latent_shape)
    condition, labels = condition_of(spec), _labels(spec, size)

    def encoder() -> Iterator[str]:
        module = require_module(build_encoder(spec, condition))
        made = module(torch.zeros(batch), *labels())
        yield from tensor_problems(
            "its output", made, (size, *encoded), "(B, *output)", torch.float32
        )

    def posterior() -> Iterator[str]:
        family = require_module(model.posterior.build(model.latent_shape), PosteriorModule)
        found: object = family(
            torch.zeros(size, *model.posterior.encoder_output(model.latent_shape))
        )
        if not isinstance(found, LatentDistribution):
            yield f"it returns {kind_of(found)}, not a LatentDistribution"
            return
        expected = (size, *space.shape)
        yield from tensor_problems("the mean", found.mean, expected, "(B, *latent)")
        z = torch.zeros(expected, dtype=found.mean.dtype)
        yield from tensor_problems("log_prob", found.log_prob(z), (size,), "(B,)")
        yield from tensor_problems(
            "features", family.features(z), (size, *decoded), "(B, *decoder_input)"
        )

    def decoder() -> Iterator[str]:
        module = require_module(build_decoder(spec, condition))
        made = module(torch.zeros(size, *decoded), *labels())
        yield from tensor_problems(
            "its output", made, (size, *output), "(B, P·C, H, W)", torch.float32
        )

    def likelihood() -> Iterator[str]:
        module = require_module(model.likelihood.build(image), LikelihoodModule)
        parameters = torch.zeros(size, *output)
        log_prob = module.log_prob(torch.zeros(batch), parameters)
        yield from tensor_problems("log_prob", log_prob, (size,), "(B,)")
        yield from tensor_problems("the mean image", module.mean(parameters), batch, "(B, C, H, W)")

    def prior() -> Iterator[str]:
        module = require_module(build_prior(spec, condition), PriorModule)
        if isinstance(module, BoundPrior):  # it needs the model, so it is called with it
            return
        dtype = torch.float32 if model.prior_space.levels is None else torch.int64
        z = torch.zeros(size, *model.prior_space.shape, dtype=dtype)
        yield from tensor_problems("log_prob", module.log_prob(z), (size,), "(B,)")
        if model.posterior.is_normal and model.prior_space == space:
            kl = module.kl(DiagonalGaussian(z, z))
            if kl is not None:
                yield from _kl_problems(kl, size)

    seen = encoder_image(spec, condition)
    reported = _is_reported(lambda: model.encoder.shape_problem(seen, encoded))
    yield Trial(model.encoder, ("model", "encoder"), encoder, reported)
    reported = _is_reported(lambda: model.posterior.shape_problem(model.latent_shape))
    yield Trial(model.posterior, ("model", "posterior"), posterior, reported)
    given = decoder_input(spec, condition)
    reported = _is_reported(lambda: model.decoder.shape_problem(given, output))
    yield Trial(model.decoder, ("model", "decoder"), decoder, reported)
    yield Trial(model.likelihood, ("model", "likelihood"), likelihood)
    reported = _is_reported(lambda: model.prior.problem(model.posterior, model.prior_space))
    yield Trial(model.prior, ("model", "prior"), prior, reported)


def _labels(spec: Spec, count: int) -> Callable[[], list[Tensor]]:
    """The labels that encoder and decoder are called with; none without a condition."""
    if condition_of(spec) is None:
        return list
    return lambda: [torch.zeros(count, dtype=torch.int64)]


def _kl_problems(kl: Any, size: int) -> Iterator[str]:
    if not isinstance(kl, Tensor) or kl.ndim != 2 or len(kl) != size:
        found = tuple(kl.shape) if isinstance(kl, Tensor) else kind_of(kl)
        yield f"kl is {found}, expected (B, D): the KL of each latent, or one number"


def _is_reported(problem: Callable[[], str | None]) -> bool:
    """Whether the component's own check finds a problem or fails, which is reported elsewhere."""
    try:
        return bool(problem())
    except Exception:
        return True


def _problems(trial: Trial) -> list[str]:
    """Run on the meta device, or on the CPU where an operation does not support it."""
    try:
        return _run(trial, "meta")
    except Exception as error:
        if "meta" not in str(error).lower():
            raise
        return _run(trial, "cpu")


def _run(trial: Trial, device: str) -> list[str]:
    with torch.random.fork_rng(devices=[]), torch.no_grad(), torch.device(device):
        return list(trial.run())
