"""Checks of optimizers: they minimize, apply the learning rate, and resume."""

from __future__ import annotations

import copy
import json
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaezoo.registry import Optimizer
from vaezoo.registry.fields import value_at
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.outcome import require

_STEPS = 50


class OptimizerConformance(ComponentConformance):
    """``class TestMine(OptimizerConformance): component = Mine(lr=0.01)``."""

    kind: ClassVar[str] = "optimizer"
    component: Optimizer

    def test_starts_at_the_learning_rate(self) -> None:
        """Every parameter group starts with the learning rate given to ``build``."""
        _, optimizer = self._built(lr=0.125)
        require(
            isinstance(optimizer, torch.optim.Optimizer),
            f"build returns {optimizer!r}, which is not a torch.optim.Optimizer",
        )
        rates = {group["lr"] for group in optimizer.param_groups}
        require(rates == {0.125}, f"given a learning rate of 0.125, it starts with {rates}")

    def test_reduces_a_quadratic(self) -> None:
        """Fifty steps reduce a quadratic."""
        parameters, optimizer = self._built(self._lr)
        before = _quadratic(parameters).item()
        _walk(parameters, optimizer, _STEPS)
        after = _quadratic(parameters).item()
        require(after < before, f"in {_STEPS} steps, a quadratic went from {before:g} to {after:g}")

    def test_applies_a_changed_learning_rate(self) -> None:
        """With a learning rate of 0, as a schedule may set it, parameters do not change."""
        parameters, optimizer = self._built(self._lr)
        _walk(parameters, optimizer, 3)
        before = [parameter.detach().clone() for parameter in parameters]
        for group in optimizer.param_groups:
            group["lr"] = 0.0
        _walk(parameters, optimizer, 3)
        stayed = all(map(torch.equal, parameters, before))
        require(stayed, "parameters change at lr = 0; read group['lr'] in every step")

    def test_resumes_from_its_state(self) -> None:
        """Its state is tensors and JSON. Restored, it takes the same next step."""
        parameters, optimizer = self._built(self._lr)
        _walk(parameters, optimizer, 3)
        state = copy.deepcopy(optimizer.state_dict())
        _require_plain(state)
        others, resumed = self._built(self._lr)
        with torch.no_grad():
            for other, parameter in zip(others, parameters, strict=True):
                other.copy_(parameter)
        resumed.load_state_dict(state)
        _walk(parameters, optimizer, 2)
        _walk(others, resumed, 2)
        require(
            all(map(torch.equal, parameters, others)),
            "resumed from its state_dict, it takes other steps; keep everything in self.state",
        )

    @property
    def _lr(self) -> float:
        return value_at(self.component.lr, 0)

    def _built(self, lr: float) -> tuple[list[nn.Parameter], torch.optim.Optimizer]:
        generator = torch.Generator().manual_seed(8)
        shapes = ((4, 3), (4,))
        parameters = [nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
        return parameters, self.component.build(iter(parameters), lr)


def _quadratic(parameters: list[nn.Parameter]) -> Tensor:
    """Σ c (p − 3)², with curvatures from 1 to 10."""
    curved = [torch.linspace(1, 10, p.numel()).view_as(p) * (p - 3) ** 2 for p in parameters]
    return torch.stack([part.sum() for part in curved]).sum()


def _walk(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        _quadratic(parameters).backward()
        optimizer.step()


def _require_plain(state: dict[str, Any]) -> None:
    for index, values in state["state"].items():
        for name, value in values.items():
            is_plain = isinstance(value, Tensor) or _is_json(value)
            require(is_plain, f"state[{index}]['{name}'] is neither a tensor nor JSON: {value!r}")
    for group in state["param_groups"]:
        odd = [name for name, value in group.items() if not _is_json(value)]
        require(not odd, f"{', '.join(odd)} of a parameter group cannot be written as JSON")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
