"""Optimizers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from vaezoo.registry import Component, Optimizer
from vaezoo.registry.fields import NonNegative, Positive, value_at

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vaezoo.spec.spec import TrainSpec

Fraction = Annotated[float, Field(ge=0, lt=1)]

#: Learning rates at which the shipped architectures lose tens of nats or become NaN; see
#: `vaezoo explain VZ414` for the measurements. The limit of SGD includes momentum and falls for
#: batches below ``_FULL_BATCH``, whose gradients are noisier.
_ADAM_LIMIT, _SGD_LIMIT, _FULL_BATCH = 0.05, 0.1, 64


class Adam(Optimizer, use="adam"):
    """Adam (Kingma and Ba 2015), PyTorch's fused implementation."""

    lr: Positive = Field(1e-3, description="learning rate")
    betas: tuple[Fraction, Fraction] = Field(
        (0.9, 0.999), description="decay rates of the moment estimates"
    )
    eps: float = Field(1e-8, gt=0, description="term added to the denominator")

    def highest_lr(self, plan: TrainSpec) -> float:
        return _ADAM_LIMIT

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(parameters, lr=lr, betas=self.betas, eps=self.eps, fused=True)


class AdamW(Optimizer, use="adamw"):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    lr: Positive = Field(1e-3, description="learning rate")
    betas: tuple[Fraction, Fraction] = Field(
        (0.9, 0.999), description="decay rates of the moment estimates"
    )
    eps: float = Field(1e-8, gt=0, description="term added to the denominator")
    weight_decay: NonNegative = Field(0.01, description="weight decay coefficient")

    def highest_lr(self, plan: TrainSpec) -> float:
        return _ADAM_LIMIT

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(
            parameters,
            lr=lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=value_at(self.weight_decay, 0),
            fused=True,
        )


class SGD(Optimizer, use="sgd"):
    """Stochastic gradient descent with momentum."""

    lr: Positive = Field(1e-4, description="learning rate")
    momentum: Fraction = Field(0.9, description="momentum factor")
    nesterov: bool = Field(False, description="use Nesterov momentum")
    weight_decay: NonNegative = Field(0.0, description="weight decay coefficient")

    def highest_lr(self, plan: TrainSpec) -> float | None:
        if plan.gradient_clip is not None:
            return None
        fraction = min(1.0, plan.batch_size / _FULL_BATCH)
        return _SGD_LIMIT * fraction * (1 - self.momentum)

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and not self.momentum:
            raise PydanticCustomError(
                "vaezoo_nesterov",
                "nesterov needs a momentum above 0",
                {"hint": "set momentum, such as 0.9, or remove nesterov"},
            )
        return self

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(
            parameters,
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=value_at(self.weight_decay, 0),
            fused=True,
        )


class RMSprop(Optimizer, use="rmsprop"):
    """RMSprop (Tieleman and Hinton 2012), optionally centered (Graves 2013, arXiv:1308.0850)."""

    lr: Positive = Field(1e-3, description="learning rate")
    alpha: Fraction = Field(0.99, description="decay rate of the averages of gradients")
    eps: float = Field(1e-8, gt=0, description="term added to the denominator")
    momentum: Fraction = Field(0.0, description="momentum factor")
    centered: bool = Field(
        False,
        description="divide by the standard deviation of gradients, not their root mean square",
    )

    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.RMSprop(
            parameters,
            lr=lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
        )


COMPONENTS: list[type[Component]] = [Adam, AdamW, SGD, RMSprop]
