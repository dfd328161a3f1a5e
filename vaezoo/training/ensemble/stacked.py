"""Several models of one architecture that train in one step, their weights stacked.

``torch.func`` maps one model's step over all of them. What differs between members enters as
numbers or tensors with one row a member: weights, noise, images, β, the learning rate.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from vaezoo.data.pixels import to_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import LossModule
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import Spec
from vaezoo.training.execution.graph_capture import (
    Draw,
    NotCapturable,
    Objective,
    _clip,
    _Draws,
    sums_of,
    varying_weights,
)
from vaezoo.training.execution.optimizer_updates import update_of


class Stack(nn.Module):
    """The parameters and buffers of members as one module, each with a row a member."""

    def __init__(self, models: Sequence[VAE]) -> None:
        super().__init__()
        parameters, buffers = stack_module_state(cast("list[nn.Module]", list(models)))
        self.names = tuple(parameters)
        self.buffer_names = tuple(buffers)
        for name, value in parameters.items():
            self.register_parameter(_flat(name), nn.Parameter(value.detach()))
        for name, value in buffers.items():
            self.register_buffer(_flat(name), value)

    @property
    def values(self) -> list[Tensor]:
        """The parameters, in the order of a member's own."""
        return [self.get_parameter(_flat(name)).detach() for name in self.names]

    @property
    def constants(self) -> list[Tensor]:
        """The buffers."""
        return [self.get_buffer(_flat(name)) for name in self.buffer_names]

    def gather(self, models: Sequence[VAE]) -> None:
        """Take over the state of each member's own model."""
        stacked = dict(
            zip((*self.names, *self.buffer_names), (*self.values, *self.constants), strict=True)
        )
        for member, model in enumerate(models):
            for name, value in model.state_dict().items():
                stacked[name][member].copy_(value)

    def member(self, index: int) -> dict[str, Tensor]:
        """One member's state, as its own model names it."""
        values = zip(self.names, self.values, strict=True)
        constants = zip(self.buffer_names, self.constants, strict=True)
        return {name: value[index].clone() for name, value in (*values, *constants)}


class StackedStep:
    """Moves all members by a batch each. Raises NotCapturable where they cannot move at once."""

    def __init__(
        self,
        specs: Sequence[Spec],
        stack: Stack,
        pattern: VAE,
        loss: LossModule,
        optimizer: torch.optim.Optimizer,
        noise: Sequence[torch.Generator],
    ) -> None:
        """``pattern`` is a model of the members' architecture, of which only the form is used."""
        self._update = _known(optimizer)
        self._specs = specs
        self._stack = stack
        self._objective = Objective(copy.deepcopy(pattern), loss).train()
        self._noise = noise
        self._clip = specs[0].train.gradient_clip
        self._varying = varying_weights(specs)
        self._draws: dict[int, tuple[Draw, ...]] = {}
        self._used: tuple[bool, ...] = ()
        self._is_proven = False
        self.terms: tuple[str, ...] = ()

    def __call__(self, images: Tensor, epochs_done: float) -> Tensor:
        """Stored images (M, B, C, H, W) -> the sum of each term over each batch, (M, T)."""
        draws = self._draw(images[0], self._noise)
        numbers = [
            self._update.numbers(value_at(spec.train.optimizer.lr, epochs_done))
            for spec in self._specs
        ]
        gradients, sums = self._mapped(
            self._stack.values,
            self._stack.constants,
            self._weights(epochs_done, images.device),
            images,
            draws,
        )
        self._apply(gradients, torch.tensor(numbers, device=images.device))
        self._update.count()
        return sums

    def terms_of(
        self, images: Tensor, epochs_done: float, noise: Sequence[torch.Generator]
    ) -> Tensor:
        """Sums of the terms of float or stored images (M, B, C, H, W), (M, T); nothing moves."""
        draws = self._draw(images[0], noise)
        self._objective.eval()
        try:
            with torch.no_grad():
                sums: Tensor = vmap(self._sums)(
                    self._stack.values,
                    self._stack.constants,
                    self._weights(epochs_done, images.device),
                    images,
                    draws,
                )
        finally:
            self._objective.train()
        return sums

    def _mapped(self, *inputs: Any) -> tuple[list[Tensor], Tensor]:
        """The gradients and sums of all members; at first, held against those of the last."""
        try:
            gradients, sums = vmap(self._gradients)(*inputs)
        except Exception as error:  # whatever a plugin's part and the map make of each other
            lines = str(error).strip().splitlines()
            raise NotCapturable(lines[0] if lines else type(error).__name__) from error
        if not self._is_proven:
            last: list[Any] = [
                [t[-1] for t in one] if isinstance(one, list) else one[-1] for one in inputs
            ]
            expected, expected_sums = self._gradients(*last)
            pairs = zip((*gradients, sums), (*expected, expected_sums), strict=True)
            if not all(torch.allclose(m[-1], e, 1e-3, 1e-4, equal_nan=True) for m, e in pairs):
                raise NotCapturable("mapped over members, the step does not do what it does alone")
            self._is_proven = True
        return gradients, sums

    def _gradients(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        images: Tensor,
        draws: list[Tensor],
    ) -> tuple[list[Tensor], Tensor]:
        """Of one member: the clipped gradient of each parameter that has one; the terms' sums."""

        def objective(values: list[Tensor]) -> tuple[Tensor, Tensor]:
            terms = self._terms(values, buffers, weights, images, draws)
            return terms["objective"].mean(), sums_of(terms)

        gradients, sums = grad(objective, has_aux=True)(parameters)
        # one that the objective does not depend on has no gradient, and an optimizer skips it
        known = [g for g, used in zip(gradients, self._used, strict=True) if used]
        return list(cast("Sequence[Tensor]", _clip(known, self._clip))), sums

    def _apply(self, gradients: list[Tensor], numbers: Tensor) -> None:
        """Move the stacked parameters; ``numbers`` (M, K) are those of each member's step."""
        given = iter(gradients)
        values, averages = self._stack.values, self._update.state
        for index, (value, used) in enumerate(zip(values, self._used, strict=True)):
            shape = (-1, *[1] * (value.ndim - 1))
            rows = [column.reshape(shape) for column in numbers.unbind(1)]
            state = averages[index :: len(values)]
            self._update.apply([value], [next(given) if used else None], state, rows)

    def _sums(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        images: Tensor,
        draws: list[Tensor],
    ) -> Tensor:
        return sums_of(self._terms(parameters, buffers, weights, images, draws))

    def _terms(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        images: Tensor,
        draws: list[Tensor],
    ) -> dict[str, Tensor]:
        names = (f"model.{name}" for name in (*self._stack.names, *self._stack.buffer_names))
        state = dict(zip(names, (*parameters, *buffers), strict=True))
        given = {**self._specs[0].loss.weights, **dict(zip(self._varying, weights, strict=True))}
        generator = self._noise[0]
        with _Draws(generator, draws):
            terms: dict[str, Tensor] = functional_call(
                self._objective, state, (to_unit(images), given, generator)
            )
        return terms

    def _weights(self, epochs_done: float, device: torch.device) -> list[Tensor]:
        """Each weight that varies, (M,)."""
        return [
            torch.tensor(
                [value_at(spec.loss.weights[name], epochs_done) for spec in self._specs],
                dtype=torch.float32,
                device=device,
            )
            for name in self._varying
        ]

    def _draw(self, images: Tensor, noise: Sequence[torch.Generator]) -> list[Tensor]:
        """What each member draws for a batch, from its own generator: each (M, …)."""
        if len(images) not in self._draws:
            self._draws[len(images)] = self._rehearsed(images)
        drawn = [[draw(generator) for draw in self._draws[len(images)]] for generator in noise]
        return [torch.stack(several) for several in zip(*drawn, strict=True)]

    def _rehearsed(self, images: Tensor) -> tuple[Draw, ...]:
        """The draws that one member makes for a batch, and which parameters it depends on."""
        trial = copy.deepcopy(self._objective)
        aside = torch.Generator(self._noise[0].device).manual_seed(0)
        weights = {name: value_at(v, 0) for name, v in self._specs[0].loss.weights.items()}
        with _Draws(aside) as draws:
            terms = trial(to_unit(images), weights, aside)
        self.terms = tuple(terms)
        if not self._used:
            terms["objective"].mean().backward()
            self._used = tuple(p.grad is not None for p in trial.model.parameters())
        return tuple(draws.made)


def _known(optimizer: torch.optim.Optimizer) -> Any:
    update = update_of(optimizer)
    if update is None:
        raise NotCapturable(f"{type(optimizer).__name__} is not known well enough to be mapped")
    return update


def _flat(name: str) -> str:
    return name.replace(".", "/")
