"""The updates of PyTorch's optimizers as tensor operations that can be captured.

Scalars that change between steps (the learning rate, Adam's bias corrections) are 0-dimensional
tensors, so that one captured step serves all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Update(Protocol):
    """An optimizer's step on all parameters. ``state`` holds the optimizer's own tensors."""

    state: list[Tensor]

    def scalars(self, lr: float) -> list[float]:
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
    return len(update.scalars(0.0)) if update else 0


def optimizer_update(optimizer: torch.optim.Optimizer) -> Update | None:
    """The update of an optimizer; None where its kind or one of its options is not supported."""
    if len(optimizer.param_groups) != 1:
        return None
    group = optimizer.param_groups[0]
    if group.get("maximize") or group.get("amsgrad") or group.get("differentiable"):
        return None
    if type(optimizer) is torch.optim.Adam and not group["weight_decay"]:
        return AdamUpdate(optimizer, decay=0.0)
    if type(optimizer) is torch.optim.AdamW:
        return AdamUpdate(optimizer, decay=group["weight_decay"])
    if type(optimizer) is torch.optim.SGD and not group["dampening"]:
        return SGDUpdate(optimizer)
    return None


class AdamUpdate:
    """Adam (Kingma and Ba 2015, algorithm 1), with decoupled decay (Loshchilov and Hutter 2019):
    θ ← θ (1 − lr·decay) − lr/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)."""

    def __init__(self, optimizer: torch.optim.Optimizer, decay: float) -> None:
        group = optimizer.param_groups[0]
        self._beta1, self._beta2 = group["betas"]
        self._eps, self._decay = group["eps"], decay
        states = [_adam_state(optimizer, parameter) for parameter in group["params"]]
        self._step_counts = torch.stack([state["step"] for state in states])
        for state, count in zip(states, self._step_counts.unbind(), strict=True):
            state["step"] = count  # views of one tensor: one operation advances them all
        self._steps = int(self._step_counts[0].item())  # a copy: reading from a GPU is slow
        self.state = [s["exp_avg"] for s in states] + [s["exp_avg_sq"] for s in states]

    def scalars(self, lr: float) -> list[float]:
        t = self._steps + 1
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


class SGDUpdate:
    """Stochastic gradient descent: b ← μ b + g; θ ← θ − lr (g + μ b with nesterov, else b)."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        group = optimizer.param_groups[0]
        self._momentum, self._nesterov = group["momentum"], group["nesterov"]
        self._decay = group["weight_decay"]
        self.state = []
        if self._momentum:
            for parameter in group["params"]:
                own = optimizer.state[parameter]
                if own.get("momentum_buffer") is None:  # the first step stores g = μ · 0 + g
                    own["momentum_buffer"] = torch.zeros_like(parameter)
                self.state.append(own["momentum_buffer"])

    def scalars(self, lr: float) -> list[float]:
        return [lr]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        scalars: Sequence[Tensor],
    ) -> None:
        (lr,) = scalars
        for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            if gradient is None:
                continue
            direction = gradient + self._decay * parameter if self._decay else gradient
            if self._momentum:
                buffer = state[index]
                buffer.mul_(self._momentum).add_(direction)
                direction = direction + self._momentum * buffer if self._nesterov else buffer
            parameter.sub_(lr * direction)

    def after_apply(self) -> None:
        """Do nothing: the update does not depend on the step count."""

    def after_eager_step(self) -> None:
        """Do nothing: the update does not depend on the step count."""


def _adam_state(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    """The optimizer's state of a parameter, created as its own first step creates it."""
    state: dict[str, Any] = optimizer.state[parameter]
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        state["exp_avg"] = torch.zeros_like(parameter)
        state["exp_avg_sq"] = torch.zeros_like(parameter)
    return state
