"""Check shapes by building a model and calling it, as ``validate --shapes`` does.

Tensors on torch's meta device have a shape and no memory, so this takes milliseconds for a model
of any size. It finds errors that the components' own ``shape_problem`` misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic, VaezooError
from vaezoo.model.distribution import DiagonalGaussian, LatentDistribution
from vaezoo.model.from_spec import build_decoder, build_encoder, build_prior, decoder_output
from vaezoo.model.part_check import part_findings
from vaezoo.registry import Component, ImageShape
from vaezoo.registry.blame import class_path, component_failure, component_label
from vaezoo.spec.conditioning import condition_of, decoder_input, encoder_image
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec

#: Errors that mismatched shapes raise; any other error is a bug in the component.
_SHAPE_ERRORS = (RuntimeError, ValueError, IndexError, AssertionError)


def shape_findings(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings about the parts of the model, each built and called alone.

    >>> vaezoo.validate("specs", looks=[shape_findings])
    ()

    VZ401 for a wrong shape, VZ303 for a component that fails for another reason, VZ402 for
    training settings of a part without parameters.
    """
    try:
        image = spec.dataset.image_shape
    except Exception:  # reported by another check
        return []
    places = Positions(document)
    found: list[Diagnostic] = []
    for trial in _trials(spec, image):
        if not trial.is_reported:
            found += _findings(trial, places)
    return found or part_findings(spec, document)


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
        _Trial(model.encoder, ("model", "encoder"), encoder),
        _Trial(model.decoder, ("model", "decoder"), decoder),
    ):
        try:
            _problems(trial)
        except Exception as error:  # a component raises anything
            return trial.component, " ".join(str(error).split()) or type(error).__name__
    return None


@dataclass(frozen=True)
class _Trial:
    """A component at ``path``; ``run`` builds and calls it and yields problems."""

    component: Component
    path: Path
    run: Callable[[], Iterator[str]]
    is_reported: bool = False


def _trials(spec: Spec, image: ImageShape) -> Iterator[_Trial]:
    model, size = spec.model, 3 if spec.model.latent_size == 2 else 2
    batch, output = (size, *image), decoder_output(spec, image)
    encoded, decoded = model.encoder_output, model.decoder_input
    space = model.posterior.space(model.latent_shape)
    condition, labels = condition_of(spec), _labels(spec, size)

    def encoder() -> Iterator[str]:
        made = build_encoder(spec, condition)(torch.zeros(batch), *labels())
        yield from _shape_problems("its output", made, (size, *encoded), "(B, *output)")

    def posterior() -> Iterator[str]:
        family = model.posterior.build(model.latent_shape)
        found: object = family(
            torch.zeros(size, *model.posterior.encoder_output(model.latent_shape))
        )
        if not isinstance(found, LatentDistribution):
            yield f"it returns {_kind(found)}, not a LatentDistribution"
            return
        expected = (size, *space.shape)
        yield from _shape_problems("the mean", found.mean, expected, "(B, *latent)")
        z = torch.zeros(expected, dtype=found.mean.dtype)
        yield from _shape_problems("log_prob", found.log_prob(z), (size,), "(B,)")
        yield from _shape_problems(
            "features", family.features(z), (size, *decoded), "(B, *decoder_input)"
        )

    def decoder() -> Iterator[str]:
        made = build_decoder(spec, condition)(torch.zeros(size, *decoded), *labels())
        yield from _shape_problems("its output", made, (size, *output), "(B, P·C, H, W)")

    def likelihood() -> Iterator[str]:
        module = model.likelihood.build(image)
        parameters = torch.zeros(size, *output)
        log_prob = module.log_prob(torch.zeros(batch), parameters)
        yield from _shape_problems("log_prob", log_prob, (size,), "(B,)")
        yield from _shape_problems("the mean image", module.mean(parameters), batch, "(B, C, H, W)")

    def prior() -> Iterator[str]:
        module = build_prior(spec, condition)
        dtype = torch.float32 if model.prior_space.levels is None else torch.int64
        z = torch.zeros(size, *model.prior_space.shape, dtype=dtype)
        yield from _shape_problems("log_prob", module.log_prob(z), (size,), "(B,)")
        if model.posterior.is_normal and model.prior_space == space:
            kl = module.kl(DiagonalGaussian(z, z))
            if kl is not None:
                yield from _kl_problems(kl, size)

    seen = encoder_image(spec, condition)
    reported = _is_reported(lambda: model.encoder.shape_problem(seen, encoded))
    yield _Trial(model.encoder, ("model", "encoder"), encoder, reported)
    reported = _is_reported(lambda: model.posterior.shape_problem(model.latent_shape))
    yield _Trial(model.posterior, ("model", "posterior"), posterior, reported)
    given = decoder_input(spec, condition)
    reported = _is_reported(lambda: model.decoder.shape_problem(given, output))
    yield _Trial(model.decoder, ("model", "decoder"), decoder, reported)
    yield _Trial(model.likelihood, ("model", "likelihood"), likelihood)
    reported = _is_reported(lambda: model.prior.problem(model.posterior, model.prior_space))
    yield _Trial(model.prior, ("model", "prior"), prior, reported)


def _labels(spec: Spec, count: int) -> Callable[[], list[Tensor]]:
    """The labels that encoder and decoder are called with; none without a condition."""
    if condition_of(spec) is None:
        return list
    return lambda: [torch.zeros(count, dtype=torch.int64)]


def _kl_problems(kl: Any, size: int) -> Iterator[str]:
    if not isinstance(kl, Tensor) or kl.ndim != 2 or len(kl) != size:
        found = tuple(kl.shape) if isinstance(kl, Tensor) else _kind(kl)
        yield f"kl is {found}, expected (B, D): the KL of each latent, or one number"


def _is_reported(problem: Callable[[], str | None]) -> bool:
    """Whether the component's own check finds a problem or fails, which is reported elsewhere."""
    try:
        return bool(problem())
    except Exception:
        return True


def _shape_problems(name: str, made: Any, expected: tuple[int, ...], form: str) -> Iterator[str]:
    if not isinstance(made, Tensor):
        yield f"{name} is {_kind(made)}, not a tensor {form}"
    elif tuple(made.shape) != expected:
        found, wanted = (", ".join(map(str, sizes)) for sizes in (made.shape, expected))
        yield f"{name} has the shape ({found}), expected {form} = ({wanted})"


def _kind(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    return "one tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _findings(trial: _Trial, places: Positions) -> list[Diagnostic]:
    part = trial.component
    span = places.of(*trial.path)
    try:
        problems = _problems(trial)
    except VaezooError as error:
        return list(error.diagnostics)
    except _SHAPE_ERRORS as error:
        problems = [f"it fails: {' '.join(str(error).split())}"]
    except Exception as error:  # a plugin's bug must not stop the validation of a spec
        return [component_failure(part, error, span)]
    name = component_label(part)
    hint = f"see its contract in docs/plugins.md; the code is in {class_path(part)}"
    return [Diagnostic("VZ401", f"{name}: {problem}", span, hint=hint) for problem in problems]


def _problems(trial: _Trial) -> list[str]:
    """Run on the meta device, or on the CPU where an operation does not support it."""
    try:
        return _run(trial, "meta")
    except Exception as error:
        if "meta" not in str(error).lower():
            raise
        return _run(trial, "cpu")


def _run(trial: _Trial, device: str) -> list[str]:
    with torch.random.fork_rng(devices=[]), torch.no_grad(), torch.device(device):
        return list(trial.run())
