"""Call a whole model and its loss once, on a few images, as the first step of training does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from vaezoo.data.kept_images import KeptImages
from vaezoo.diagnostics import Diagnostic
from vaezoo.model.component_trial import Trial, kind_of, tensor_problems, trial_findings
from vaezoo.model.from_spec import build
from vaezoo.model.init_from_data import init_from_data, init_parts_from_data
from vaezoo.model.scheduled_parts import ScheduledField, scheduled_fields
from vaezoo.model.trace import Trace
from vaezoo.model.vae import VAE
from vaezoo.registry import Batch, Component, ImageData, Split
from vaezoo.registry.contracts import TrainingImages
from vaezoo.registry.fields import value_at
from vaezoo.spec.conditioning import uses_labels
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec

#: Images of the batch.
_IMAGES = 8
#: Largest model to look at, in parameters: 1 GB in float32.
_MOST_PARAMETERS = 2**28
#: Terms that every loss returns.
_NEEDED = ("objective", "reconstruction", "kl")
#: Cosine of two gradients below which they are opposed.
_OPPOSED = -0.9


def loss_findings(
    spec: Spec, places: Positions, images: TrainingImages | None = None
) -> list[Diagnostic]:
    """Findings about values, gradients and the terms of the loss, with the initial weights.

    It is called on the first of ``images``, random ones by default. VZ401 for a wrong result,
    VZ303 for a component that fails. Stops at the first component with a problem, and skips a
    model too large for a look.
    """
    if _parameter_count(spec) > _MOST_PARAMETERS:
        return []
    look = _Look(spec, images or _random_images(spec))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed)
        for trial in look.trials():
            found = trial_findings(trial, places)
            if found:
                return found
    return []


def _parameter_count(spec: Spec) -> int:
    """The number of parameters, counted without memory; 0 if that is impossible."""
    try:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build(spec).parameters())
    except Exception:  # a component that fails is reported by its trial
        return 0


def _random_images(spec: Spec) -> TrainingImages:
    generator = torch.Generator().manual_seed(0)
    shape = (_IMAGES, *spec.dataset.image_shape)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    names = spec.dataset.class_names or ()
    split = Split(images, torch.arange(_IMAGES) % max(len(names), 1))
    data = ImageData(split, split, names, digest="")
    return KeptImages(data, torch.arange(_IMAGES))


@dataclass
class _Look:
    """One step; each trial goes on where the one before ended."""

    spec: Spec
    shown: TrainingImages
    model: VAE = field(init=False)
    encoded: Tensor = field(init=False)
    trace: Trace = field(init=False)
    scheduled: list[ScheduledField] = field(init=False)

    @cached_property
    def batch(self) -> Batch:
        """The first images, at least two for batch normalization."""
        rows = torch.arange(max(2, min(_IMAGES, self.shown.count))) % self.shown.count
        images, labels = self.shown.images(rows), self.shown.labels
        if not uses_labels(self.spec) or labels is None:
            return Batch(images)
        return Batch(images, labels[rows])

    def trials(self) -> Iterator[Trial]:
        parts = self.spec.model
        steps: tuple[tuple[str, Component, Callable[[], Iterator[str]]], ...] = (
            ("encoder", parts.encoder, self._encoder),
            ("topology", parts.topology, self._topology),
            ("posterior", parts.posterior, self._posterior),
            ("prior", parts.prior, self._prior),
            ("decoder", parts.decoder, self._decoder),
            ("likelihood", parts.likelihood, self._likelihood),
        )
        for name, component, run in steps:
            yield Trial(component, ("model", name), run)
        for one in self.scheduled:
            yield Trial(one.component, ("model", one.part, one.name), _missing_buffer(one))
        yield Trial(self.spec.loss, ("loss",), self._loss)

    def _encoder(self) -> Iterator[str]:
        self.model = build(self.spec)
        init_parts_from_data(self.model, self.spec, self.shown, 0)
        self.scheduled = list(scheduled_fields(self.spec, self.model))
        self.model.freeze(self.spec.train.freeze)
        self.model.train()
        self.encoded = self.model.encoded(*self.batch)
        yield from _not_finite("its output", self.encoded)
        if _can_train(self.model.encoder) and not self.encoded.requires_grad:
            yield "its output has no gradient, so its weights would not be trained"

    def _topology(self) -> Iterator[str]:
        self.trace = self.model.trace(self.batch, self._generator(), encoded=self.encoded)
        for site in self.trace.sites:
            yield from _not_finite(f"the draws of {site.name}", site.z)

    def _posterior(self) -> Iterator[str]:
        yield from _not_finite("log q(z|x)", self.trace.log_q)

    def _prior(self) -> Iterator[str]:
        yield from _not_finite("log p(z)", self.trace.log_p)
        yield from _not_finite("the KL divergence", self.trace.kl)
        count = 2
        labels = self.model.labels_to_sample(count)
        z = self.model.draw(count, self._generator(), labels)
        expected = (count, *self.model.space.shape)
        yield from tensor_problems("what it samples", z, expected, "(count, *latent)")
        if isinstance(z, Tensor):
            yield from _not_finite("what it samples", z)

    def _decoder(self) -> Iterator[str]:
        yield from _not_finite("its output", self.trace.parameters)
        if _can_train(self.model.decoder) and not self.trace.parameters.requires_grad:
            yield "its output has no gradient, so its weights would not be trained"

    def _likelihood(self) -> Iterator[str]:
        yield from _not_finite("log p(x|z)", self.trace.log_likelihood)

    def _loss(self) -> Iterator[str]:
        module: object = self.spec.loss.build()
        if not callable(module):
            yield f"build returns {kind_of(module)}, not an nn.Module"
            return
        if isinstance(module, nn.Module):
            init_from_data(module, self.spec.loss, self.shown, 0)
        terms = self._terms(module)
        problems = list(self._wrong_terms(terms))
        yield from problems or self._wrong_gradients(terms)
        if not problems:
            yield from self._wrong_validation(module)

    def _terms(self, module: Callable[..., Any]) -> Any:
        weights = {name: value_at(value, 0) for name, value in self.spec.loss.weights.items()}
        return module(self.model, self.batch, weights, self._generator())

    def _wrong_terms(self, terms: Any) -> Iterator[str]:
        if not isinstance(terms, Mapping):
            yield f"it returns {kind_of(terms)}, not a dictionary of its terms"
            return
        players = [f"player.{name}" for name in self.spec.loss.players()]
        missing = [name for name in (*_NEEDED, *players) if name not in terms]
        if missing:
            yield f"its terms lack {', '.join(missing)}"
            return
        count = len(self.batch.images)
        for name, value in terms.items():
            found = list(
                tensor_problems(f"the term {name}", value, (count,), "(B,)", torch.float32)
            )
            yield from found or _not_finite(f"the term {name}", value)

    def _wrong_validation(self, module: Callable[..., Any]) -> Iterator[str]:
        """In evaluation mode, which has no dropout, all random numbers come from its generator."""
        self.model.eval()
        before = torch.get_rng_state()
        with torch.inference_mode():
            yield from self._wrong_terms(self._terms(module))
        if not torch.equal(before, torch.get_rng_state()):
            yield "it draws from torch's global generator; use its argument generator"

    def _wrong_gradients(self, terms: Mapping[str, Tensor]) -> Iterator[str]:
        """The objective must train encoder and decoder, towards a better reconstruction."""
        objective = terms["objective"].mean()
        by_part = {name: _trained(getattr(self.model, name)) for name in ("encoder", "decoder")}
        for name, parameters in by_part.items():
            gradients = _gradients(objective, parameters)
            if parameters and all(gradient is None for gradient in gradients):
                yield (
                    f"its objective has no gradient in the {name}; if that is meant, "
                    f"set train.freeze: [{name}]"
                )
                return
        of_objective = _gradients(objective, by_part["decoder"])
        of_reconstruction = _gradients(self.trace.reconstruction.mean(), by_part["decoder"])
        if _cosine(of_objective, of_reconstruction) < _OPPOSED:
            yield (
                "its objective falls when the reconstruction gets worse, but it is minimized; "
                "change its sign"
            )

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.spec.train.seed)


def _missing_buffer(scheduled: ScheduledField) -> Callable[[], Iterator[str]]:
    def run() -> Iterator[str]:
        if not scheduled.buffers:
            yield (
                f"{scheduled.name} has a schedule, but its module has no scalar buffer of that "
                "name to hold the current value"
            )

    return run


def _not_finite(name: str, values: Tensor) -> Iterator[str]:
    if not values.isfinite().all():
        bad = values[~values.isfinite()][0].item()
        yield f"{name} is {bad} with the initial weights"


def _can_train(module: nn.Module) -> bool:
    return bool(_trained(module))


def _trained(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _gradients(value: Tensor, parameters: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    if not value.requires_grad or not parameters:
        return (None,) * len(parameters)
    return torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)


def _cosine(first: tuple[Tensor | None, ...], second: tuple[Tensor | None, ...]) -> float:
    """The cosine of the angle between two gradients; 0 where one is zero."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    product = sum((float((a * b).sum()) for a, b in pairs), 0.0)
    norms = [sum(float((one**2).sum()) for one in side) for side in zip(*pairs, strict=True)]
    scale = (norms[0] * norms[1]) ** 0.5 if norms else 0.0
    return product / scale if scale else 0.0
