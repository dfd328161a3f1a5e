"""Checks of a valid spec that need no training: shapes, validation images, targets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from vaezoo.diagnostics import Diagnostic, VaezooError, suggest
from vaezoo.registry import Component, Condition, ImageShape, Sampler
from vaezoo.registry.blame import component_failure
from vaezoo.registry.needs import SuitsSpec
from vaezoo.spec.conditioning import condition_of, decoder_input, encoder_image
from vaezoo.spec.declared_figures import quantities_on
from vaezoo.spec.integer_limits import integer_findings
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec, Target
from vaezoo.spec.train_options import PARTS


def check(
    spec: Spec, document: Document | None = None, condition: Condition | None = None
) -> list[Diagnostic]:
    """Findings about shapes and contradictory settings.

    ``condition`` holds the classes of a trained model, whose data may be absent.
    """
    places = Positions(document)
    too_large = list(integer_findings(spec, places))
    if too_large:  # the other checks assume 64 bits
        return too_large
    known, findings = (condition, []) if condition else _condition(spec, places)
    return [
        *findings,
        *_shapes(spec, places, known),
        *_prior(spec, places),
        *_suitable(spec, places),
        *_validation(spec, places),
        *_frozen(spec, places),
        *_targets(spec, places),
    ]


def _condition(spec: Spec, places: Positions) -> tuple[Condition | None, list[Diagnostic]]:
    """The classes of a conditional model, and findings about them."""
    model, dataset = spec.model, spec.dataset
    if model.condition is None:
        return None, []
    try:
        condition = condition_of(spec)
        absent = condition is None and dataset.problem() is not None
    except Exception as error:  # a plugin's fault must not abort validation
        return None, [component_failure(dataset, error, places.of("dataset"))]
    findings = []
    if condition is None and not absent:  # a run reports data that are absent
        findings += [
            Diagnostic(
                "VZ402",
                f"the model is conditioned on labels, but the dataset {dataset.use!r} names no "
                "classes",
                places.key("model", "condition"),
                hint="remove model.condition, or use a dataset with labels whose class names are "
                "known before it is loaded, see class_names in docs/plugins.md",
            )
        ]
    if type(model.prior).conditional and not type(model.topology).conditional:
        findings += [
            Diagnostic(
                "VZ402",
                f"the topology {model.topology.use!r} gives no labels to the prior, but "
                f"{model.prior.use!r} needs them",
                places.of("model", "prior"),
                hint="remove model.condition, or change the prior or the topology",
            )
        ]
    return condition, findings


def _shapes(spec: Spec, places: Positions, condition: Condition | None) -> Iterator[Diagnostic]:
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
            lambda: model.encoder.shape_problem(
                encoder_image(spec, condition), model.encoder_output
            ),
        ),
        (
            model.decoder,
            ("model", "decoder"),
            lambda: model.decoder.shape_problem(decoder_input(spec, condition), output),
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


def _prior(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require a prior that fits the posterior."""
    model = spec.model
    path = ("model", "prior") if places.has("model", "prior") else ("model", "posterior")
    try:
        text = model.prior.problem(model.posterior, model.prior_space)
    except Exception as error:  # a plugin's fault must not abort validation
        yield component_failure(model.prior, error, places.of(*path))
        return
    if text:
        yield Diagnostic(
            "VZ401",
            f"the prior {model.prior.use!r} does not fit the posterior {model.posterior.use!r}: "
            f"{text}",
            places.of(*path),
            hint="vaezoo plugins pairs lists the priors that fit each posterior",
        )


def _suitable(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require components that suit the spec, as they say themselves."""
    model = spec.model
    asked: list[tuple[SuitsSpec | Sampler, Path]] = [
        (model.encoder, ("model", "encoder")),
        (model.posterior, ("model", "posterior")),
        (model.decoder, ("model", "decoder")),
        (model.likelihood, ("model", "likelihood")),
        (spec.loss, ("loss",)),
        (spec.train.optimizer, ("train", "optimizer")),
        (spec.sampler, ("sampler",)),
        *((metric, ("metrics", index)) for index, metric in enumerate(spec.metrics)),
    ]
    for part, path in asked:
        assert isinstance(part, Component)
        span = places.of(*path)
        try:
            text = part.problem(spec)
        except Exception as error:  # a plugin's fault must not abort validation
            yield component_failure(part, error, span)
            continue
        if text:
            kind = type(part).kind
            yield Diagnostic(
                "VZ402",
                f"the {kind} {part.use!r} does not suit the model: {text}",
                span,
                hint=f"choose another {kind}, or change the model",
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


def _frozen(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Require a part to train, and no settings for parts that do not."""
    frozen = spec.train.freeze
    if set(frozen) == set(PARTS):
        yield Diagnostic(
            "VZ402",
            "every part of the model is frozen, so there is nothing to train",
            places.of("train", "freeze"),
            hint="remove a part from train.freeze",
        )
    for part in spec.train.groups.optimizers():
        if part in frozen:
            yield Diagnostic(
                "VZ402",
                f"train.groups has settings for the {part}, which is frozen",
                places.key("train", "groups", part),
                hint=f"remove {part} from train.groups or from train.freeze",
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
