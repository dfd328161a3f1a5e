"""The updates of PyTorch's optimizers as tensor operations that can be captured.

Scalars that change between steps (the learning rate, Adam's bias corrections) are 0-dimensional
tensors, so that one captured step serves all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from vaezoo.training.build_optimizer import PART

#: The learning rate of a part of the model; ``None`` is every part without its own.
LearningRates = Callable[[str | None], float]


class Update(Protocol):
    """An optimizer's step on all parameters. ``state`` holds the optimizer's own tensors."""

    state: list[Tensor]

    def scalars(self, lr_of: LearningRates) -> list[float]:
        """The scalars of the next step."""

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        """Update parameters and state in place, except parameters without a gradient."""

    def after_apply(self) -> None:
        """Count a step that ``apply`` made."""

    def after_eager_step(self) -> None:
        """Count a step that the optimizer made itself."""


def scalar_count(update: Update | None) -> int:
    """How many scalars a step of the update takes."""
    return len(update.scalars(lambda part: 0.0)) if update else 0


def optimizer_update(
    optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor]
) -> Update | None:
    """The update of an optimizer of ``parameters``, which ``apply`` then gets in this order.

    None where its kind or one of its options is not supported.
    """
    updates = [_group_update(optimizer, group) for group in optimizer.param_groups]
    if len(updates) == 1:
        return updates[0]
    index = {id(parameter): number for number, parameter in enumerate(parameters)}
    places = [[index[id(p)] for p in group["params"]] for group in optimizer.param_groups]
    known = [update for update in updates if update]
    return GroupedUpdate(known, places) if len(known) == len(updates) else None


def _group_update(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> Update | None:
    if group.get("maximize") or group.get("amsgrad") or group.get("differentiable"):
        return None
    if type(optimizer) is torch.optim.Adam and not group["weight_decay"]:
        return AdamUpdate(optimizer, group, decay=0.0)
    if type(optimizer) is torch.optim.AdamW:
        return AdamUpdate(optimizer, group, decay=group["weight_decay"])
    if type(optimizer) is torch.optim.SGD and not group["dampening"]:
        return SGDUpdate(optimizer, group)
    if type(optimizer) is torch.optim.RMSprop and not group["weight_decay"]:
        return RMSpropUpdate(optimizer, group)
    return None


class GroupedUpdate:
    """The updates of several parameter groups; ``places`` are each group's parameters."""

    def __init__(self, updates: Sequence[Update], places: Sequence[Sequence[int]]) -> None:
        self._updates = updates
        self._places = places
        self.state = [tensor for update in updates for tensor in update.state]

    def scalars(self, lr_of: LearningRates) -> list[float]:
        return [scalar for update in self._updates for scalar in update.scalars(lr_of)]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        states, numbers = iter(state), iter(scalars)
        for update, places in zip(self._updates, self._places, strict=True):
            update.apply(
                [parameters[place] for place in places],
                [gradients[place] for place in places],
                list(islice(states, len(update.state))),
                list(islice(numbers, scalar_count(update))),
            )

    def after_apply(self) -> None:
        for update in self._updates:
            update.after_apply()

    def after_eager_step(self) -> None:
        for update in self._updates:
            update.after_eager_step()


class AdamUpdate:
    """Adam (Kingma and Ba 2015, algorithm 1), with decoupled decay (Loshchilov and Hutter 2019):
    θ ← θ (1 − lr·decay) − lr/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, group: dict[str, Any], decay: float
    ) -> None:
        self._part = group.get(PART)
        self._beta1, self._beta2 = group["betas"]
        self._eps, self._decay = group["eps"], decay
        states = [_adam_state(optimizer, parameter) for parameter in group["params"]]
        self._step_counts = _joined_step_counts(states)
        self._steps = int(self._step_counts[0].item())  # a copy: reading from a GPU is slow
        self.state = [s["exp_avg"] for s in states] + [s["exp_avg_sq"] for s in states]

    def scalars(self, lr_of: LearningRates) -> list[float]:
        lr, t = lr_of(self._part), self._steps + 1
        correction = math.sqrt(1 - self._beta2**t)
        return [lr / (1 - self._beta1**t), 1 / correction, 1 - lr * self._decay]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        rate, correction, decay = scalars
        means, squares = state[: len(parameters)], state[len(parameters) :]
        for parameter, gradient, m, v in zip(parameters, gradients, means, squares, strict=True):
            if gradient is None:
                continue
            if self._decay:
                parameter.mul_(decay)
            m.lerp_(gradient, 1 - self._beta1)
            v.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
            parameter.sub_(rate * m / (v.sqrt() * correction + self._eps))

    def after_apply(self) -> None:
        self._step_counts.add_(1.0)
        self._steps += 1

    def after_eager_step(self) -> None:
        self._steps += 1


class _RateOnly:
    """An update whose only scalar is the learning rate."""

    _part: str | None

    def scalars(self, lr_of: LearningRates) -> list[float]:
        return [lr_of(self._part)]

    def after_apply(self) -> None:
        """Do nothing: the update does not depend on the step count."""

    def after_eager_step(self) -> None:
        """Do nothing: the update does not depend on the step count."""


class SGDUpdate(_RateOnly):
    """Stochastic gradient descent: b ← μ b + g; θ ← θ − lr (g + μ b with nesterov, else b)."""

    def __init__(self, optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> None:
        self._part = group.get(PART)
        self._momentum, self._nesterov = group["momentum"], group["nesterov"]
        self._decay = group["weight_decay"]
        self.state = []
        if self._momentum:
            for parameter in group["params"]:
                own = optimizer.state[parameter]
                if own.get("momentum_buffer") is None:  # the first step stores g = μ · 0 + g
                    own["momentum_buffer"] = torch.zeros_like(parameter)
                self.state.append(own["momentum_buffer"])

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        (lr,) = scalars
        for index, parameter, gradient in _trained(parameters, gradients):
            direction = gradient + self._decay * parameter if self._decay else gradient
            if self._momentum:
                buffer = state[index]
                buffer.mul_(self._momentum).add_(direction)
                direction = direction + self._momentum * buffer if self._nesterov else buffer
            parameter.sub_(lr * direction)


def _trained(
    parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The parameters that have a gradient, with their index."""
    for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        if gradient is not None:
            yield index, parameter, gradient


class RMSpropUpdate(_RateOnly):
    """RMSprop (Tieleman and Hinton 2012): v ← α v + (1 − α) g²; θ ← θ − lr · g / (√v + ε).

    Centered, v is reduced by the square of the mean gradient (Graves 2013, arXiv:1308.0850,
    equation 40). With momentum μ, the step is b ← μ b + g / (√v + ε).
    """

    def __init__(self, optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> None:
        self._part = group.get(PART)
        self._alpha, self._eps = group["alpha"], group["eps"]
        self._momentum, self._centered = group["momentum"], group["centered"]
        names = ["square_avg"]
        names += ["grad_avg"] * bool(self._centered) + ["momentum_buffer"] * bool(self._momentum)
        states = [_state(optimizer, parameter, names) for parameter in group["params"]]
        self._step_counts = _joined_step_counts(states)
        self.state = [state[name] for name in names for state in states]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        (lr,) = scalars
        for index, parameter, gradient in _trained(parameters, gradients):
            own = list(state[index :: len(parameters)])
            square = own.pop(0).mul_(self._alpha)
            square.addcmul_(gradient, gradient, value=1 - self._alpha)
            if self._centered:
                mean = own.pop(0)
                mean.lerp_(gradient, 1 - self._alpha)
                square = square.addcmul(mean, mean, value=-1)
            direction = gradient / (square.sqrt() + self._eps)
            if self._momentum:
                direction = own.pop(0).mul_(self._momentum).add_(direction)
            parameter.sub_(lr * direction)

    def after_apply(self) -> None:
        self._step_counts.add_(1.0)


def _adam_state(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    return _state(optimizer, parameter, ("exp_avg", "exp_avg_sq"), parameter.device)


def _state(
    optimizer: torch.optim.Optimizer,
    parameter: Tensor,
    names: Sequence[str],
    step_device: torch.device | None = None,
) -> dict[str, Any]:
    """The optimizer's state of a parameter, created as its own first step creates it."""
    state: dict[str, Any] = optimizer.state[parameter]
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=step_device)
        state.update({name: torch.zeros_like(parameter) for name in names})
    return state


def _joined_step_counts(states: Sequence[dict[str, Any]]) -> Tensor:
    """The step counts of parameters as one tensor, so that one operation advances them all."""
    counts = torch.stack([state["step"] for state in states])
    for state, count in zip(states, counts.unbind(), strict=True):
        state["step"] = count
    return counts
