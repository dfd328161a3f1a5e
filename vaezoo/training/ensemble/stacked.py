"""One training step for several models of one architecture, with stacked weights.

``torch.func`` maps the step of one model over all members. Inputs that differ between members
(weights, noise, images, β, the learning rate) have one row per member.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from vaezoo.data.pixels import as_unit, to_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import Batch
from vaezoo.registry.fields import value_at
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.ensemble.state import Stack
from vaezoo.training.execution.graph_capture import (
    Draw,
    DrawRecorder,
    NotCapturable,
    Objective,
    clip_gradients,
    first_line,
    term_sums,
    varying_weights,
)
from vaezoo.training.execution.optimizer_updates import Update, optimizer_update


class StackedStep:
    """Trains each member on its own batch. Raises NotCapturable where that cannot be mapped."""

    def __init__(
        self,
        specs: Sequence[Spec],
        stack: Stack,
        model: VAE,
        loss: LossModule,
        optimizer: torch.optim.Optimizer,
        noise: Sequence[torch.Generator],
    ) -> None:
        """``model`` is an example of the members' architecture."""
        learned = [parameter.requires_grad for parameter in model.parameters()]
        self._update = _supported_update(optimizer)
        self._learned = [index for index, is_learned in enumerate(learned) if is_learned]
        self._specs = specs
        self._stack = stack
        self._objective = Objective(copy.deepcopy(model), loss).train()
        self._noise = noise
        self._clip = specs[0].train.gradient_clip
        self._varying = varying_weights(specs)
        self._draws: dict[int, tuple[Draw, ...]] = {}
        self._has_gradient: tuple[bool, ...] = ()
        self._is_checked = False
        self.terms: tuple[str, ...] = ()

    def __call__(self, batch: Batch, epochs_done: float) -> Tensor:
        """Train on stored images (M, B, C, H, W); the sum of each term over each batch: (M, T).

        Labels, if any, are (M, B).
        """
        draws = self._draw(_of_first_member(batch), self._noise)
        rates = [value_at(spec.train.optimizer.lr, epochs_done) for spec in self._specs]
        scalars = [self._update.scalars(partial(_same_rate, lr)) for lr in rates]
        gradients, sums = self._mapped(
            self._stack.values,
            self._stack.constants,
            self._weights(epochs_done, batch.images.device),
            batch.tensors,
            draws,
        )
        self._apply(gradients, torch.tensor(scalars, device=batch.images.device))
        self._update.after_apply()
        return sums

    def terms_of(
        self, batch: Batch, epochs_done: float, noise: Sequence[torch.Generator]
    ) -> Tensor:
        """The term sums of float or stored images (M, B, C, H, W): (M, T). Nothing is trained."""
        draws = self._draw(_of_first_member(batch), noise)
        self._objective.eval()
        try:
            with torch.no_grad():
                sums: Tensor = vmap(self._sums)(
                    self._stack.values,
                    self._stack.constants,
                    self._weights(epochs_done, batch.images.device),
                    batch.tensors,
                    draws,
                )
        finally:
            self._objective.train()
        return sums

    def _mapped(self, *inputs: Any) -> tuple[list[Tensor], Tensor]:
        """Gradients and term sums of all members.

        The first call compares those of the last member with its own step.
        """
        try:
            gradients, sums = vmap(self._gradients)(*inputs)
        except Exception as error:  # mapping a plugin's component raises anything
            raise NotCapturable(first_line(error)) from error
        if not self._is_checked:
            last: list[Any] = [
                [t[-1] for t in one] if isinstance(one, list) else one[-1] for one in inputs
            ]
            expected, expected_sums = self._gradients(*last)
            pairs = zip((*gradients, sums), (*expected, expected_sums), strict=True)
            if not all(torch.allclose(m[-1], e, 1e-3, 1e-4, equal_nan=True) for m, e in pairs):
                raise NotCapturable("the step computes different values when mapped over members")
            self._is_checked = True
        return gradients, sums

    def _gradients(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        batch: list[Tensor],
        draws: list[Tensor],
    ) -> tuple[list[Tensor], Tensor]:
        """One member's clipped gradients, without those of unused parameters, and its term sums."""

        def objective(values: list[Tensor]) -> tuple[Tensor, Tensor]:
            terms = self._terms(values, buffers, weights, batch, draws)
            return terms["objective"].mean(), term_sums(terms)

        gradients, sums = grad(objective, has_aux=True)(parameters)
        # vmap gives unused parameters a gradient of 0; an optimizer must skip them
        used = [g for g, has in zip(gradients, self._has_gradient, strict=True) if has]
        return [g for g in clip_gradients(used, self._clip) if g is not None], sums

    def _apply(self, gradients: list[Tensor], scalars: Tensor) -> None:
        """Update the stacked parameters; ``scalars`` (M, K) are those of each member's update."""
        remaining = iter(gradients)
        values, averages = self._stack.values, self._update.state
        for index, number in enumerate(self._learned):
            value, has = values[number], self._has_gradient[number]
            shape = (-1, *[1] * (value.ndim - 1))
            rows = [column.reshape(shape) for column in scalars.unbind(1)]
            state = averages[index :: len(self._learned)]
            self._update.apply([value], [next(remaining) if has else None], state, rows)

    def _sums(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        batch: list[Tensor],
        draws: list[Tensor],
    ) -> Tensor:
        return term_sums(self._terms(parameters, buffers, weights, batch, draws))

    def _terms(
        self,
        parameters: list[Tensor],
        buffers: list[Tensor],
        weights: list[Tensor],
        batch: list[Tensor],
        draws: list[Tensor],
    ) -> dict[str, Tensor]:
        images, *labels = batch
        names = (f"model.{name}" for name in (*self._stack.names, *self._stack.buffer_names))
        state = dict(zip(names, (*parameters, *buffers), strict=True))
        values = {**self._specs[0].loss.weights, **dict(zip(self._varying, weights, strict=True))}
        generator = self._noise[0]
        with DrawRecorder(generator, draws):
            terms: dict[str, Tensor] = functional_call(
                self._objective, state, (Batch(to_unit(images), *labels), values, generator)
            )
        return terms

    def _weights(self, epochs_done: float, device: torch.device) -> list[Tensor]:
        """Each varying loss weight, (M,)."""
        return [
            torch.tensor(
                [value_at(spec.loss.weights[name], epochs_done) for spec in self._specs],
                dtype=torch.float32,
                device=device,
            )
            for name in self._varying
        ]

    def _draw(self, batch: Batch, noise: Sequence[torch.Generator]) -> list[Tensor]:
        """The random draws of a batch, from each member's own generator: each (M, …)."""
        count = len(batch.images)
        if count not in self._draws:
            self._draws[count] = self._rehearsed(batch)
        drawn = [[draw(generator) for draw in self._draws[count]] for generator in noise]
        return [torch.stack(several) for several in zip(*drawn, strict=True)]

    def _rehearsed(self, batch: Batch) -> tuple[Draw, ...]:
        """The draws that a member makes for a batch. Finds the parameters with a gradient, too."""
        trial = copy.deepcopy(self._objective)
        generator = torch.Generator(self._noise[0].device).manual_seed(0)
        weights = {name: value_at(v, 0) for name, v in self._specs[0].loss.weights.items()}
        with DrawRecorder(generator) as recorder:
            terms = trial(as_unit(batch), weights, generator)
        self.terms = tuple(terms)
        if not self._has_gradient:
            terms["objective"].mean().backward()
            self._has_gradient = tuple(p.grad is not None for p in trial.model.parameters())
        return tuple(recorder.recorded)


def _of_first_member(batch: Batch) -> Batch:
    return Batch(*(value[0] for value in batch.tensors))


def _same_rate(lr: float, part: str | None) -> float:
    """The learning rate of every part."""
    return lr


def _supported_update(optimizer: torch.optim.Optimizer) -> Update:
    if len(optimizer.param_groups) > 1:
        raise NotCapturable("groups of parameters cannot be mapped over members")
    update = optimizer_update(optimizer, ())
    if update is None:
        raise NotCapturable(f"{type(optimizer).__name__} cannot be mapped over members")
    return update
