"""What can be known about a valid spec before anything slow starts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from vaezoo.diagnostics import Diagnostic, Span, VaezooError, suggest
from vaezoo.registry import Component, ImageShape
from vaezoo.registry.blame import described, home_of
from vaezoo.spec.declared_figures import quantities_on
from vaezoo.spec.integer_limits import integer_findings
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec, Target


def check(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings about shapes and about settings that contradict each other."""
    places = Positions(document)
    too_large = list(integer_findings(spec, places))
    if too_large:  # nothing reckons with them
        return too_large
    return [*_shapes(spec, places), *_validation(spec, places), *_targets(spec, places)]


def _shapes(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """The image through encoder and decoder, by the components' own arithmetic."""
    image, finding = _image_shape(spec, places)
    if finding:
        yield finding
    if image is None:
        return
    model = spec.model
    channels = image.channels * model.likelihood.parameters_per_pixel
    output = ImageShape(channels, image.height, image.width)
    asked: list[tuple[Component, Path, Callable[[], str | None]]] = [
        (
            model.encoder,
            ("model", "encoder"),
            lambda: model.encoder.shape_problem(image, model.latent),
        ),
        (
            model.decoder,
            ("model", "decoder"),
            lambda: model.decoder.shape_problem(model.latent, output),
        ),
    ]
    for component, path, problem in asked:
        try:
            text = problem()
        except Exception as error:  # a plugin's fault must not end the reading of a spec
            yield _broken(component, error, places.of(*path))
            continue
        if text:
            yield Diagnostic(
                "VZ401", text, places.of(*path), hint=f"an image of {spec.dataset.use} is {image}"
            )


def _image_shape(spec: Spec, places: Positions) -> tuple[ImageShape | None, Diagnostic | None]:
    span = places.of("dataset")
    try:
        return spec.dataset.image_shape, None
    except VaezooError as error:
        cause = error.diagnostics[0]
        return None, Diagnostic(cause.code, cause.message, cause.span or span, hint=cause.hint)
    except Exception as error:  # a plugin's fault must not end the reading of a spec
        return None, _broken(spec.dataset, error, span)


def _broken(component: Component, error: Exception, span: Span | None) -> Diagnostic:
    return Diagnostic(
        "VZ303",
        f"{described(component)} failed: {type(error).__name__}: {error}",
        span,
        hint=f"this is a fault in {home_of(component)}",
    )


def _validation(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """Whatever looks at held-out images needs some."""
    if spec.train.validation > 0:
        return
    hint = "hold some images out, such as train.validation: 0.1"
    if spec.train.early_stopping:
        yield Diagnostic(
            "VZ402",
            "early stopping watches the validation images, and train.validation is 0",
            places.key("train", "early_stopping"),
            hint=hint,
        )
    for index, target in enumerate(spec.targets):
        if target.metric.startswith("validation/"):
            yield Diagnostic(
                "VZ402",
                f"the target {target.metric} needs validation images, and train.validation is 0",
                places.of("targets", index, "metric"),
                hint=hint,
            )


def _targets(spec: Spec, places: Positions) -> Iterator[Diagnostic]:
    """A target needs a figure, and two targets for one figure must be reachable together."""
    numbered = list(enumerate(spec.targets))
    for index, target in numbered:
        split, _, name = target.metric.partition("/")
        known = _figures_on(split, spec)
        if known and name not in known:
            yield Diagnostic(
                "VZ402",
                f"no figure {name!r} is taken on the {split} split",
                places.of("targets", index, "metric"),
                hint=suggest(name, known, "figures"),
            )
    for (first, one), (second, other) in itertools.combinations(numbered, 2):
        if one.metric == other.metric and not _overlap(one, other):
            yield Diagnostic(
                "VZ402",
                f"no {one.metric} can meet targets[{first}] and targets[{second}]: "
                f"{one.value:g} ± {one.tolerance:g} and {other.value:g} ± {other.tolerance:g}",
                places.of("targets", second, "value"),
                hint="remove one of them, or widen its tolerance",
            )


def _figures_on(split: str, spec: Spec) -> list[str]:
    """The figures that a run of the spec has on a split; none where a metric does not say."""
    if split == "test" and not all(type(metric).figures for metric in spec.metrics):
        return []
    return [one.name for one in quantities_on(split, spec)]


def _overlap(one: Target, other: Target) -> bool:
    return abs(one.value - other.value) <= one.tolerance + other.tolerance
