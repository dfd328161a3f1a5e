"""Optimizers: how parameters move along their gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from vaezoo.registry import Component, Optimizer
from vaezoo.registry.fields import Positive

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vaezoo.spec.spec import TrainSpec

Fraction = Annotated[float, Field(ge=0, lt=1)]

#: Learning rates from which on the shipped architectures lose tens of nats, or become NaN;
#: `vaezoo explain VZ414` has the figures. That of SGD counts its momentum in, and falls with
#: batches smaller than ``_WHOLE_BATCH``, whose gradients are noisier.
_HIGHEST_OF_ADAM, _HIGHEST_OF_SGD, _WHOLE_BATCH = 0.05, 0.1, 64


class Adam(Optimizer, use="adam"):
    """Adam (Kingma and Ba 2015), in PyTorch's fused form."""

    lr: Positive = Field(1e-3, description="learning rate, a number or a schedule")
    betas: tuple[Fraction, Fraction] = Field((0.9, 0.999), description="decay of the averages")
    eps: float = Field(1e-8, gt=0, description="added to the denominator")

    def highest_lr(self, plan: TrainSpec) -> float:
        return _HIGHEST_OF_ADAM

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(parameters, lr=lr, betas=self.betas, eps=self.eps, fused=True)


class AdamW(Optimizer, use="adamw"):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    lr: Positive = Field(1e-3, description="learning rate, a number or a schedule")
    betas: tuple[Fraction, Fraction] = Field((0.9, 0.999), description="decay of the averages")
    eps: float = Field(1e-8, gt=0, description="added to the denominator")
    weight_decay: float = Field(0.01, ge=0, description="pull of the weights towards 0")

    def highest_lr(self, plan: TrainSpec) -> float:
        return _HIGHEST_OF_ADAM

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(
            parameters,
            lr=lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )


class SGD(Optimizer, use="sgd"):
    """Stochastic gradient descent with momentum."""

    lr: Positive = Field(1e-4, description="learning rate, a number or a schedule")
    momentum: Fraction = Field(0.9, description="how much of the last step is kept")
    nesterov: bool = Field(False, description="look ahead along the momentum")
    weight_decay: float = Field(0.0, ge=0, description="pull of the weights towards 0")

    def highest_lr(self, plan: TrainSpec) -> float | None:
        if plan.gradient_clip is not None:
            return None
        whole = min(1.0, plan.batch_size / _WHOLE_BATCH)
        return _HIGHEST_OF_SGD * whole * (1 - self.momentum)

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and not self.momentum:
            raise PydanticCustomError(
                "vaezoo_nesterov",
                "nesterov needs a momentum above 0",
                {"hint": "set momentum, such as 0.9, or leave nesterov out"},
            )
        return self

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(
            parameters,
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            fused=True,
        )


COMPONENTS: list[type[Component]] = [Adam, AdamW, SGD]
