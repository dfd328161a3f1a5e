"""Checks of a valid spec that need no training: shapes, validation images, targets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from vaezoo.diagnostics import Diagnostic, VaezooError, suggest
from vaezoo.registry import Component, ImageShape
from vaezoo.registry.blame import component_failure
from vaezoo.spec.declared_figures import quantities_on
from vaezoo.spec.integer_limits import integer_findings
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec, Target


def check(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings about shapes and contradictory settings."""
    places = Positions(document)
    too_large = list(integer_findings(spec, places))
    if too_large:  # the other checks assume 64 bits
        return too_large
    return [
        *_shapes(spec, places),
        *_sampler(spec, places),
        *_validation(spec, places),
        *_targets(spec, places),
    ]


def _shapes(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Check shapes through encoder and decoder, as the components compute them."""
    image, finding = _image_shape(spec, places)
    if finding:
        yield finding
    if image is None:
        return
    model = spec.model
    latent, posterior = model.latent_shape, model.posterior
    channels = image.channels * model.likelihood.parameters_per_pixel
    output = ImageShape(channels, image.height, image.width)
    asked: list[tuple[Component, Path, Callable[[], str | None]]] = [
        (posterior, ("model", "posterior"), lambda: posterior.shape_problem(latent)),
        (
            model.topology,
            ("model", "topology"),
            lambda: model.topology.problem(posterior, latent),
        ),
        (
            model.encoder,
            ("model", "encoder"),
            lambda: model.encoder.shape_problem(image, model.encoder_output),
        ),
        (
            model.decoder,
            ("model", "decoder"),
            lambda: model.decoder.shape_problem(model.decoder_input, output),
        ),
        (
            model.prior,
            ("model", "prior"),
            lambda: model.prior.problem(posterior, model.prior_space),
        ),
    ]
    for component, path, problem in asked:
        try:
            text = problem()
        except Exception as error:  # a plugin's fault must not abort validation
            yield component_failure(component, error, places.of(*path))
            continue
        if text:
            hint = f"images of {spec.dataset.use} are {image}"
            yield Diagnostic("VZ401", text, places.of(*path), hint=hint)


def _sampler(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require a sampler that suits the model."""
    span = places.of("sampler")
    try:
        text = spec.sampler.problem(spec)
    except Exception as error:  # a plugin's fault must not abort validation
        yield component_failure(spec.sampler, error, span)
        return
    if text:
        yield Diagnostic(
            "VZ402",
            f"the sampler {spec.sampler.use!r} does not suit the model: {text}",
            span,
            hint="choose another sampler, or leave it out to draw from the prior",
        )


def _image_shape(spec: Spec, places: Positions) -> tuple[ImageShape | None, Diagnostic | None]:
    span = places.of("dataset")
    try:
        return spec.dataset.image_shape, None
    except VaezooError as error:
        cause = error.diagnostics[0]
        return None, Diagnostic(cause.code, cause.message, cause.span or span, hint=cause.hint)
    except Exception as error:  # a plugin's fault must not abort validation
        return None, component_failure(spec.dataset, error, span)


def _validation(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require validation images for early stopping and for targets on them."""
    if spec.train.validation > 0:
        return
    hint = "hold out images, such as train.validation: 0.1"
    if spec.train.early_stopping:
        yield Diagnostic(
            "VZ402",
            "early stopping needs validation images, but train.validation is 0",
            places.key("train", "early_stopping"),
            hint=hint,
        )
    for index, target in enumerate(spec.targets):
        if target.metric.startswith("validation/"):
            yield Diagnostic(
                "VZ402",
                f"the target {target.metric} needs validation images, but train.validation is 0",
                places.of("targets", index, "metric"),
                hint=hint,
            )


def _targets(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require a figure for each target, and overlapping ranges for targets of one figure."""
    numbered = list(enumerate(spec.targets))
    for index, target in numbered:
        split, _, name = target.metric.partition("/")
        known = _figures_on(split, spec)
        if known and name not in known:
            yield Diagnostic(
                "VZ402",
                f"the {split} split has no figure {name!r}",
                places.of("targets", index, "metric"),
                hint=suggest(name, known, "figures"),
            )
    for (first, one), (second, other) in itertools.combinations(numbered, 2):
        if one.metric == other.metric and not _overlap(one, other):
            yield Diagnostic(
                "VZ402",
                f"targets[{first}] and targets[{second}] exclude each other: {one.metric} of "
                f"{one.value:g} ± {one.tolerance:g} and {other.value:g} ± {other.tolerance:g}",
                places.of("targets", second, "value"),
                hint="remove one of them, or increase its tolerance",
            )


def _figures_on(split: str, spec: Spec) -> list[str]:
    """The figures of a run on a split; empty if a metric does not declare its figures."""
    if split == "test" and not all(type(metric).figures for metric in spec.metrics):
        return []
    return [one.name for one in quantities_on(split, spec)]


def _overlap(one: Target, other: Target) -> bool:
    return abs(one.value - other.value) <= one.tolerance + other.tolerance
