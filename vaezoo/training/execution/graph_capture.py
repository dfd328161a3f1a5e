"""A whole training step as one graph: loss, gradients, clipping and the optimizer's update.

The step is run once on tensors without content (PyTorch's fake tensors), and the operations it
makes are written down. What cannot be written down truly is refused, and trains as it is: draws
that do not come from the run's generator, values that decide on the way, and Python state that
changes from step to step.
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

from vaezoo.data.pixels import to_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import LossModule
from vaezoo.registry.fields import Schedule
from vaezoo.spec.spec import Spec
from vaezoo.training.execution.optimizer_updates import Update


class NotCapturable(Exception):
    """A step that cannot become a graph; says why in a few words."""


@dataclass(frozen=True)
class Draw:
    """A draw of random numbers that a loss makes in each step, made again outside the graph."""

    function: Callable[..., Tensor]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]

    def __call__(self, generator: torch.Generator) -> Tensor:
        return self.function(*self.arguments, **self.named, generator=generator)


@dataclass(frozen=True)
class Captured:
    """``graph(*parameters, *buffers, *optimizer state, images, numbers, *draws)`` moves the
    first three in place and gives the sum of each term over the batch, (T,), followed by the
    gradient of each parameter that has one, where the update is not part of the graph."""

    graph: GraphModule
    trained: tuple[bool, ...]  # for each parameter, whether it has a gradient
    terms: tuple[str, ...]
    draws: tuple[Draw, ...]


class Objective(nn.Module):
    """Model and loss as one module, so that all their tensors have names."""

    def __init__(self, model: VAE, loss: LossModule) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(
        self, images: Tensor, weights: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The loss's terms of float images (B, C, H, W), each (B,)."""
        return self.loss(self.model, images, weights, generator)


class _Draws(TorchFunctionMode):
    """Takes over the draws made with one generator: writes them down, or hands some out."""

    def __init__(self, generator: torch.Generator, instead: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.made: list[Draw] = []
        self._generator = generator
        self._instead = instead

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is not self._generator:
            return func(*args, **kwargs)
        del kwargs["generator"]
        if func not in (torch.randn, torch.rand):
            raise NotCapturable(f"it draws by {getattr(func, '__name__', func)}")
        self.made.append(Draw(func, args, kwargs))
        if self._instead is None:
            return func(*args, **kwargs, generator=self._generator)
        if len(self.made) > len(self._instead):
            raise NotCapturable("it does not draw alike in every step")
        return self._instead[len(self.made) - 1]


def capture(
    spec: Spec,
    model: VAE,
    loss: LossModule,
    generator: torch.Generator,
    update: Update | None,
    images: Tensor,
    varying: Sequence[str],
) -> Captured:
    """The step on batches like ``images`` (B, C, H, W), as stored. Nothing given is changed.

    ``varying`` names the loss's weights that enter the graph as numbers, before those of the
    update. Raises NotCapturable where that cannot be done truly.
    """
    # copies, and twice: state in Python that moves from step to step shows as a difference
    objective = Objective(model, loss)
    original = copy.deepcopy(objective).train()
    twin = copy.deepcopy(objective).train()
    aside = torch.Generator(generator.device)
    aside.set_state(generator.get_state())
    try:
        terms, draws = _rehearse(spec, copy.deepcopy(original), images, aside, varying)
        numbers = torch.ones(len(varying) + _count(update), device=images.device)
        drawn = [draw(aside) for draw in draws]
        inputs = (images, numbers, drawn)
        graph, trained = _trace(spec, original, update, inputs, aside, varying)
        _trace(spec, twin, update, inputs, aside, varying)
        again, _ = _trace(spec, twin, update, inputs, aside, varying)
    except NotCapturable:
        raise
    except Exception as error:  # whatever a plugin's part and the tracer make of each other
        lines = str(error).strip().splitlines()
        raise NotCapturable(lines[0] if lines else type(error).__name__) from error
    if str(graph.graph) != str(again.graph):
        raise NotCapturable("its operations change from step to step")
    for node in graph.graph.nodes:
        tags = getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise NotCapturable(f"it draws by {node.target} without the run's generator")
    return Captured(graph, trained, terms, draws)


def varying_weights(specs: Sequence[Spec]) -> list[str]:
    """The loss's weights that change over time, or differ between runs."""
    return [
        name
        for name, first in specs[0].loss.weights.items()
        if isinstance(first, Schedule) or any(s.loss.weights[name] != first for s in specs)
    ]


def tensors_of(objective: Objective, update: Update | None) -> list[Tensor]:
    """What a captured step moves in place, in the graph's order."""
    parameters = [p.detach() for p in objective.model.parameters()]
    return [*parameters, *objective.buffers(), *(update.state if update else ())]


def _count(update: Update | None) -> int:
    return len(update.numbers(0.0)) if update else 0


def _rehearse(
    spec: Spec,
    objective: Objective,
    images: Tensor,
    generator: torch.Generator,
    varying: Sequence[str],
) -> tuple[tuple[str, ...], tuple[Draw, ...]]:
    """The names of the terms, and the draws, of one real step forward."""
    weights = {**spec.loss.weights, **dict.fromkeys(varying, 1.0)}
    with _Draws(generator) as draws:
        terms = objective(to_unit(images), weights, generator)
    wrong = [name for name, values in terms.items() if values.shape != (len(images),)]
    if wrong:
        raise NotCapturable(f"its term {wrong[0]} is not one number an example")
    return tuple(terms), tuple(draws.made)


def _trace(
    spec: Spec,
    objective: Objective,
    update: Update | None,
    inputs: tuple[Tensor, Tensor, list[Tensor]],
    generator: torch.Generator,
    varying: Sequence[str],
) -> tuple[GraphModule, tuple[bool, ...]]:
    parameters = {f"model.{name}": p.detach() for name, p in objective.model.named_parameters()}
    others = {n: p for n, p in objective.named_parameters() if n not in parameters}
    if others:
        raise NotCapturable("its loss has parameters of its own, which nothing trains")
    buffers = dict(objective.named_buffers())
    state = list(update.state) if update else []
    images, numbers, drawn = inputs
    trained: list[bool] = []

    def step(*flat: Tensor) -> list[Tensor]:
        rest = iter(flat)
        moved = dict(zip(parameters, islice(rest, len(parameters)), strict=True))
        kept = dict(zip(buffers, islice(rest, len(buffers)), strict=True))
        averages = list(islice(rest, len(state)))
        stored, given = next(rest), next(rest).unbind()
        leaves = {name: value.detach().requires_grad_(True) for name, value in moved.items()}
        weights = dict(spec.loss.weights) | dict(zip(varying, given, strict=False))
        with _Draws(generator, tuple(rest)):
            terms = torch.func.functional_call(
                objective, {**leaves, **kept}, (to_unit(stored), weights, generator)
            )
        gradients = torch.autograd.grad(
            terms["objective"].mean(), list(leaves.values()), allow_unused=True
        )
        trained[:] = [gradient is not None for gradient in gradients]
        with torch.no_grad():
            sums = sums_of(terms)
            clipped = _clip(gradients, spec.train.gradient_clip)
            if update is None:
                return [sums, *(gradient for gradient in clipped if gradient is not None)]
            update.apply(list(moved.values()), clipped, averages, given[len(varying) :])
            return [sums]

    flat = [*parameters.values(), *buffers.values(), *state, images, numbers, *drawn]
    with torch.enable_grad():
        graph = make_fx(step, tracing_mode="fake")(*flat)
    return graph, tuple(trained)


def sums_of(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of each term over the batch, (T,), without gradients.

    In float64 where the device has it (mps does not): an epoch adds up millions of nats.
    """
    sums = []
    for values in terms.values():
        dtype = torch.float32 if values.device.type == "mps" else torch.float64
        sums.append(values.detach().sum(dtype=dtype))
    return torch.stack(sums)


def _clip(gradients: Sequence[Tensor | None], largest: float | None) -> Sequence[Tensor | None]:
    """What torch.nn.utils.clip_grad_norm_ does."""
    there = [g for g in gradients if g is not None]
    if largest is None or not there:
        return gradients
    norm = torch.stack([torch.linalg.vector_norm(g) for g in there]).square().sum().sqrt()
    factor = (largest / (norm + 1e-6)).clamp(max=1.0)
    return [None if g is None else g * factor for g in gradients]
