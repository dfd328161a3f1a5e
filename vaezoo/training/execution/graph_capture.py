"""Capture a training step as one graph: loss, gradients, clipping and optimizer update.

The step runs once on fake tensors, which have no values, and its operations are recorded. A step
that the graph would not reproduce is refused and stays eager: one that draws random numbers
without the run's generator, branches on tensor values, or changes Python state between steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

from vaezoo.data.pixels import as_unit, to_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import Batch
from vaezoo.registry.fields import Schedule
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.spec.train_options import GradientClip
from vaezoo.training.execution.graph_rewrites import with_reshapes
from vaezoo.training.execution.optimizer_updates import Update, scalar_count


class NotCapturable(Exception):
    """The step cannot be captured; the message is a short reason."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its type where there is none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def copy_generator(generator: torch.Generator) -> torch.Generator:
    """A generator that draws the same numbers."""
    copied = torch.Generator(generator.device)
    copied.set_state(generator.get_state())
    return copied


@dataclass(frozen=True)
class Draw:
    """A random draw that the loss makes in each step, repeated outside the graph."""

    function: Callable[..., Tensor]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def __call__(self, generator: torch.Generator) -> Tensor:
        return self.function(*self.arguments, **self.keywords, generator=generator)


@dataclass(frozen=True)
class Captured:
    """``graph(*parameters, *buffers, *optimizer_state, images, scalars, *draws)``.

    Labels, if the batches have any, follow the images. The graph updates the first three in place
    and returns the sum of each term over the batch, (T,).
    Where the optimizer update is not in the graph, the gradient of each trained parameter
    follows.
    """

    graph: GraphModule
    trained: tuple[bool, ...]  # whether each parameter has a gradient
    terms: tuple[str, ...]
    draws: tuple[Draw, ...]


class Objective(nn.Module):
    """Model and loss as one module, so that all their tensors have names."""

    def __init__(self, model: VAE, loss: LossModule) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(
        self, batch: Batch, weights: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The loss terms of a batch of float images, each (B,)."""
        return self.loss(self.model, batch, weights, generator)


class DrawRecorder(TorchFunctionMode):
    """Records the draws made with a generator; returns ``replacements`` instead, if given."""

    def __init__(
        self, generator: torch.Generator, replacements: Sequence[Tensor] | None = None
    ) -> None:
        super().__init__()
        self.recorded: list[Draw] = []
        self._generator = generator
        self._replacements = replacements

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is not self._generator:
            return func(*args, **kwargs)
        del kwargs["generator"]
        if func not in (torch.randn, torch.rand):
            raise NotCapturable(f"it draws with {getattr(func, '__name__', func)}")
        self.recorded.append(Draw(func, args, kwargs))
        if self._replacements is None:
            return func(*args, **kwargs, generator=self._generator)
        if len(self.recorded) > len(self._replacements):
            raise NotCapturable("its random draws change from step to step")
        return self._replacements[len(self.recorded) - 1]


def capture(
    spec: Spec,
    model: VAE,
    loss: LossModule,
    generator: torch.Generator,
    update: Update | None,
    batch: Batch,
    varying: Sequence[str],
) -> Captured:
    """Capture the step on batches like ``batch``, with images as stored. Works on copies.

    ``varying`` names the loss weights that are scalar inputs of the graph, before those of the
    update. Raises NotCapturable where the graph would not reproduce the step.
    """
    # trace a second copy twice: Python state that changes between steps shows as a difference
    objective = Objective(model, loss)
    original = copy.deepcopy(objective).train()
    twin = copy.deepcopy(objective).train()
    generator = copy_generator(generator)
    try:
        terms, draws = _rehearse(spec, copy.deepcopy(original), batch, generator, varying)
        scalars = torch.ones(len(varying) + scalar_count(update), device=batch.images.device)
        inputs = (batch, scalars, [draw(generator) for draw in draws])
        graph, trained = _trace(spec, original, update, inputs, generator, varying)
        _trace(spec, twin, update, inputs, generator, varying)
        again, _ = _trace(spec, twin, update, inputs, generator, varying)
    except NotCapturable:
        raise
    except Exception as error:  # tracing a plugin's component raises anything
        raise NotCapturable(first_line(error)) from error
    if str(graph.graph) != str(again.graph):
        raise NotCapturable("its operations change from step to step")
    for node in graph.graph.nodes:
        tags = getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise NotCapturable(f"it draws with {node.target} without the run's generator")
    return Captured(graph, trained, terms, draws)


def varying_weights(specs: Sequence[Spec]) -> list[str]:
    """The loss weights that are scheduled or differ between runs."""
    return [
        name
        for name, first in specs[0].loss.weights.items()
        if isinstance(first, Schedule) or any(s.loss.weights[name] != first for s in specs)
    ]


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that training changes."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def step_tensors(objective: Objective, update: Update | None) -> list[Tensor]:
    """The tensors that a captured step updates in place, in the graph's order."""
    parameters = [p.detach() for p in objective.model.parameters()]
    return [*parameters, *objective.buffers(), *(update.state if update else ())]


def _rehearse(
    spec: Spec,
    objective: Objective,
    batch: Batch,
    generator: torch.Generator,
    varying: Sequence[str],
) -> tuple[tuple[str, ...], tuple[Draw, ...]]:
    """The names of the terms, and the random draws, of one real forward pass."""
    weights = {**spec.loss.weights, **dict.fromkeys(varying, 1.0)}
    with DrawRecorder(generator) as recorder:
        terms = objective(as_unit(batch), weights, generator)
    wrong = [name for name, values in terms.items() if values.shape != (len(batch.images),)]
    if wrong:
        raise NotCapturable(f"its term {wrong[0]} is not one number per example")
    return tuple(terms), tuple(recorder.recorded)


def _trace(
    spec: Spec,
    objective: Objective,
    update: Update | None,
    inputs: tuple[Batch, Tensor, list[Tensor]],
    generator: torch.Generator,
    varying: Sequence[str],
) -> tuple[GraphModule, tuple[bool, ...]]:
    named = {f"model.{name}": p for name, p in objective.model.named_parameters()}
    parameters = {name: p.detach() for name, p in named.items()}
    learned = [name for name, p in named.items() if p.requires_grad]
    others = {n: p for n, p in objective.named_parameters() if n not in parameters}
    if others:
        raise NotCapturable("its loss has parameters, which are not trained")
    buffers = dict(objective.named_buffers())
    state = list(update.state) if update else []
    batch, scalars, drawn = inputs
    trained: list[bool] = []

    def step(*flat: Tensor) -> list[Tensor]:
        rest = iter(flat)
        values = dict(zip(parameters, islice(rest, len(parameters)), strict=True))
        own_buffers = dict(zip(buffers, islice(rest, len(buffers)), strict=True))
        averages = list(islice(rest, len(state)))
        stored, *labels = islice(rest, len(batch.tensors))
        numbers = next(rest).unbind()
        leaves = {name: value.detach() for name, value in values.items()}
        for name in learned:
            leaves[name].requires_grad_(True)
        weights = dict(spec.loss.weights) | dict(zip(varying, numbers, strict=False))
        with DrawRecorder(generator, tuple(rest)):
            terms = torch.func.functional_call(
                objective,
                {**leaves, **own_buffers},
                (Batch(to_unit(stored), *labels), weights, generator),
            )
        gradients = torch.autograd.grad(
            terms["objective"].mean(), [leaves[name] for name in learned], allow_unused=True
        )
        having = {n for n, gradient in zip(learned, gradients, strict=True) if gradient is not None}
        trained[:] = [name in having for name in parameters]
        with torch.no_grad():
            sums = term_sums(terms)
            clipped = clip_gradients(gradients, spec.train.gradient_clip)
            if update is None:
                return [sums, *(gradient for gradient in clipped if gradient is not None)]
            own = [values[name] for name in learned]
            update.apply(own, clipped, averages, numbers[len(varying) :])
            return [sums]

    flat = [*parameters.values(), *buffers.values(), *state, *batch.tensors, scalars, *drawn]
    with torch.enable_grad():
        graph = make_fx(step, tracing_mode="fake")(*flat)
    return with_reshapes(graph), tuple(trained)


def term_sums(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of each term over the batch, (T,), without gradients.

    In float64 where the device supports it (mps does not): an epoch sums millions of nats.
    """
    sums = []
    for values in terms.values():
        dtype = torch.float32 if values.device.type == "mps" else torch.float64
        sums.append(values.detach().sum(dtype=dtype))
    return torch.stack(sums)


def clip_gradients(
    gradients: Sequence[Tensor | None], clip: GradientClip | None
) -> Sequence[Tensor | None]:
    """Compute what torch.nn.utils.clip_grad_norm_ or clip_grad_value_ does."""
    present = [g for g in gradients if g is not None]
    if clip is None or not present:
        return gradients
    if (limit := clip.value) is not None:
        return [None if g is None else g.clamp(-limit, limit) for g in gradients]
    assert clip.norm is not None
    norm = torch.stack([torch.linalg.vector_norm(g) for g in present]).square().sum().sqrt()
    factor = (clip.norm / (norm + 1e-6)).clamp(max=1.0)
    return [None if g is None else g * factor for g in gradients]
