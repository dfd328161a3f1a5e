"""What PyTorch's optimizers do in a step, written as tensor operations that can be captured.

Numbers that change from step to step (the learning rate, Adam's corrections for its averages'
bias) enter as 0-dimensional tensors, so that a captured step holds for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Update(Protocol):
    """One optimizer's step over all its parameters. The state is the optimizer's own tensors."""

    state: list[Tensor]

    def numbers(self, lr: float) -> list[float]:
        """The numbers of the step that comes next."""

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        numbers: Sequence[Tensor],
    ) -> None:
        """Move parameters and state in place; a parameter without a gradient stays."""

    def count(self) -> None:
        """A step was made by ``apply``."""

    def follow(self) -> None:
        """A step was made by the optimizer itself."""


def update_of(optimizer: torch.optim.Optimizer) -> Update | None:
    """The step of an optimizer, if it is one of PyTorch's that is known here in all it does."""
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
        self._clocks = torch.stack([state["step"] for state in states])
        for state, clock in zip(states, self._clocks.unbind(), strict=True):
            state["step"] = clock  # all in one tensor, so that one operation moves them
        self._steps = int(self._clocks[0].item())  # here too: a clock on a GPU is slow to read
        self.state = [s["exp_avg"] for s in states] + [s["exp_avg_sq"] for s in states]

    def numbers(self, lr: float) -> list[float]:
        t = self._steps + 1
        correction = math.sqrt(1 - self._beta2**t)
        return [lr / (1 - self._beta1**t), 1 / correction, 1 - lr * self._decay]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        numbers: Sequence[Tensor],
    ) -> None:
        rate, correction, kept = numbers
        means, squares = state[: len(parameters)], state[len(parameters) :]
        for parameter, gradient, m, v in zip(parameters, gradients, means, squares, strict=True):
            if gradient is None:
                continue
            if self._decay:
                parameter.mul_(kept)
            m.lerp_(gradient, 1 - self._beta1)
            v.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
            parameter.sub_(rate * m / (v.sqrt() * correction + self._eps))

    def count(self) -> None:
        self._clocks.add_(1.0)
        self._steps += 1

    def follow(self) -> None:
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
                held = optimizer.state[parameter]
                if held.get("momentum_buffer") is None:  # μ · 0 + g is what the first step keeps
                    held["momentum_buffer"] = torch.zeros_like(parameter)
                self.state.append(held["momentum_buffer"])

    def numbers(self, lr: float) -> list[float]:
        return [lr]

    def apply(
        self,
        parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        state: Sequence[Tensor],
        numbers: Sequence[Tensor],
    ) -> None:
        (lr,) = numbers
        for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            if gradient is None:
                continue
            direction = gradient + self._decay * parameter if self._decay else gradient
            if self._momentum:
                held = state[index]
                held.mul_(self._momentum).add_(direction)
                direction = direction + self._momentum * held if self._nesterov else held
            parameter.sub_(lr * direction)

    def count(self) -> None:
        """Nothing of it depends on the step."""

    def follow(self) -> None:
        """Nothing of it depends on the step."""


def _adam_state(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    """The optimizer's tensors for a parameter, made as its own first step would make them."""
    state: dict[str, Any] = optimizer.state[parameter]
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        state["exp_avg"] = torch.zeros_like(parameter)
        state["exp_avg_sq"] = torch.zeros_like(parameter)
    return state
