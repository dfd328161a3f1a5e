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
from vaezoo.registry import Component, ImageShape
from vaezoo.registry.blame import class_path, component_failure, component_label
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec

#: Errors that mismatched shapes raise; any other error is a bug in the component.
_SHAPE_ERRORS = (RuntimeError, ValueError, IndexError, AssertionError)


def shape_findings(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings about encoder, decoder, likelihood and prior, each built and called alone.

    >>> vaezoo.validate("specs", looks=[shape_findings])
    ()

    VZ401 for a wrong shape, VZ303 for a component that fails for another reason.
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
    return found


def training_problem(spec: Spec, batch: int) -> tuple[Component, str] | None:
    """The encoder or decoder that fails in training mode on ``batch`` images, and its error."""
    model, image = spec.model, spec.dataset.image_shape
    channels = image.channels * model.likelihood.parameters_per_pixel
    output = ImageShape(channels, image.height, image.width)

    def encoder() -> Iterator[str]:
        model.encoder.build(image, model.latent).train()(torch.zeros(batch, *image))
        yield from ()

    def decoder() -> Iterator[str]:
        model.decoder.build(model.latent, output).train()(torch.zeros(batch, model.latent))
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
    model, size = spec.model, 3 if spec.model.latent == 2 else 2
    latents, batch = (size, model.latent), (size, *image)
    channels = image.channels * model.likelihood.parameters_per_pixel
    output = ImageShape(channels, image.height, image.width)

    def encoder() -> Iterator[str]:
        made = model.encoder.build(image, model.latent)(torch.zeros(batch))
        if not isinstance(made, tuple | list) or len(made) != 2:
            yield f"it returns {_kind(made)}, not the two tensors (mean, log_var)"
            return
        for name, tensor in zip(("the mean", "log_var"), made, strict=True):
            yield from _shape_problems(name, tensor, latents, "(B, latent)")

    def decoder() -> Iterator[str]:
        made = model.decoder.build(model.latent, output)(torch.zeros(latents))
        yield from _shape_problems("its output", made, (size, *output), "(B, P·C, H, W)")

    def likelihood() -> Iterator[str]:
        module = model.likelihood.build(image)
        parameters = torch.zeros(size, *output)
        log_prob = module.log_prob(torch.zeros(batch), parameters)
        yield from _shape_problems("log_prob", log_prob, (size,), "(B,)")
        yield from _shape_problems("the mean image", module.mean(parameters), batch, "(B, C, H, W)")

    def prior() -> Iterator[str]:
        module = model.prior.build(model.latent)
        z = torch.zeros(latents)
        yield from _shape_problems("log_prob", module.log_prob(z), (size,), "(B,)")
        kl = module.kl(z, z)
        if kl is not None:
            yield from _shape_problems("kl", kl, latents, "(B, latent)")

    reported = _is_reported(lambda: model.encoder.shape_problem(image, model.latent))
    yield _Trial(model.encoder, ("model", "encoder"), encoder, reported)
    reported = _is_reported(lambda: model.decoder.shape_problem(model.latent, output))
    yield _Trial(model.decoder, ("model", "decoder"), decoder, reported)
    yield _Trial(model.likelihood, ("model", "likelihood"), likelihood)
    yield _Trial(model.prior, ("model", "prior"), prior)


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
