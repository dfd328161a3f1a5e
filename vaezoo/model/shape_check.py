"""Shapes found by building a model and sending images through it, as ``validate --shapes`` does.

On torch's meta device tensors have a shape and no memory, so that this costs milliseconds for a
model of any size. It finds what the components' own arithmetic does not tell.
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

#: What torch and its users raise where shapes do not fit; anything else is a fault of the code.
_MISFITS = (RuntimeError, ValueError, IndexError, AssertionError)


def shape_findings(spec: Spec, document: Document | None = None) -> list[Diagnostic]:
    """Findings about encoder, decoder, likelihood and prior, each built and called by itself.

    >>> vaezoo.validate("specs", looks=[shape_findings])
    ()

    VZ401 where a shape is not the promised one, VZ303 where a component fails for another reason.
    """
    try:
        image = spec.dataset.image_shape
    except Exception:  # what keeps it from being known is a finding of its own
        return []
    places = Positions(document)
    found: list[Diagnostic] = []
    for trial in _trials(spec, image):
        if not trial.is_told:
            found += _findings(trial, places)
    return found


def training_problem(spec: Spec, batch: int) -> tuple[Component, str] | None:
    """The encoder or decoder that fails in training mode on ``batch`` images, and how it does."""
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
            _tried(trial)
        except Exception as error:  # whatever a module raises
            return trial.component, " ".join(str(error).split()) or type(error).__name__
    return None


@dataclass(frozen=True)
class _Trial:
    """A component at ``path``, and what building and calling it gives away."""

    component: Component
    path: Path
    run: Callable[[], Iterator[str]]
    is_told: bool = False


def _trials(spec: Spec, image: ImageShape) -> Iterator[_Trial]:
    model, size = spec.model, 3 if spec.model.latent == 2 else 2
    latents, batch = (size, model.latent), (size, *image)
    channels = image.channels * model.likelihood.parameters_per_pixel
    output = ImageShape(channels, image.height, image.width)

    def encoder() -> Iterator[str]:
        made = model.encoder.build(image, model.latent)(torch.zeros(batch))
        if not isinstance(made, tuple | list) or len(made) != 2:
            yield f"it gives {_kind(made)}, not the two tensors (mean, log_var)"
            return
        for name, tensor in zip(("the mean", "log_var"), made, strict=True):
            yield from _compared(name, tensor, latents, "(B, latent)")

    def decoder() -> Iterator[str]:
        made = model.decoder.build(model.latent, output)(torch.zeros(latents))
        yield from _compared("its output", made, (size, *output), "(B, P·C, H, W)")

    def likelihood() -> Iterator[str]:
        module = model.likelihood.build(image)
        parameters = torch.zeros(size, *output)
        log_prob = module.log_prob(torch.zeros(batch), parameters)
        yield from _compared("log_prob", log_prob, (size,), "(B,)")
        yield from _compared("the mean image", module.mean(parameters), batch, "(B, C, H, W)")

    def prior() -> Iterator[str]:
        module = model.prior.build(model.latent)
        z = torch.zeros(latents)
        yield from _compared("log_prob", module.log_prob(z), (size,), "(B,)")
        kl = module.kl(z, z)
        if kl is not None:
            yield from _compared("kl", kl, latents, "(B, latent)")

    told = _told(lambda: model.encoder.shape_problem(image, model.latent))
    yield _Trial(model.encoder, ("model", "encoder"), encoder, told)
    told = _told(lambda: model.decoder.shape_problem(model.latent, output))
    yield _Trial(model.decoder, ("model", "decoder"), decoder, told)
    yield _Trial(model.likelihood, ("model", "likelihood"), likelihood)
    yield _Trial(model.prior, ("model", "prior"), prior)


def _told(problem: Callable[[], str | None]) -> bool:
    """Whether the component's own arithmetic says it already, or fails, which is said too."""
    try:
        return bool(problem())
    except Exception:
        return True


def _compared(name: str, made: Any, wanted: tuple[int, ...], form: str) -> Iterator[str]:
    if not isinstance(made, Tensor):
        yield f"{name} is {_kind(made)}, not a tensor {form}"
    elif tuple(made.shape) != wanted:
        shape, expected = (", ".join(map(str, sizes)) for sizes in (made.shape, wanted))
        yield f"{name} has the shape ({shape}), not {form}, which is ({expected}) here"


def _kind(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    return "one tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _findings(trial: _Trial, places: Positions) -> list[Diagnostic]:
    part = trial.component
    span = places.of(*trial.path)
    try:
        problems = _tried(trial)
    except VaezooError as error:
        return list(error.diagnostics)
    except _MISFITS as error:
        problems = [f"it fails: {' '.join(str(error).split())}"]
    except Exception as error:  # a plugin's fault must not end the reading of a spec
        return [component_failure(part, error, span)]
    name = component_label(part)
    hint = f"its contract is in docs/plugins.md; the code is in {class_path(part)}"
    return [Diagnostic("VZ401", f"{name}: {problem}", span, hint=hint) for problem in problems]


def _tried(trial: _Trial) -> list[str]:
    """On the meta device, or where something cannot run there on the CPU."""
    try:
        return _run(trial, "meta")
    except Exception as error:
        if "meta" not in str(error).lower():
            raise
        return _run(trial, "cpu")


def _run(trial: _Trial, device: str) -> list[str]:
    with torch.random.fork_rng(devices=[]), torch.no_grad(), torch.device(device):
        return list(trial.run())
