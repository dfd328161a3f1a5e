"""Components that break the contract of their kind, each in one way."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

import vaezoo
from vaezoo import VAE, Batch, EvaluationContext, Figure
from vaezoo.registry.module_contracts import Shape

Terms = dict[str, Any]
FAULTY: dict[str, type[vaezoo.Component]] = {}


def faulty(kind: type[vaezoo.Component], use: str, **members: Any) -> None:
    """Define a component with these methods."""
    FAULTY[use] = types.new_class(
        use, (kind,), {"use": use}, lambda body: body.update(__module__=__name__, **members)
    )


class Coder(nn.Module):
    """A linear map, followed by ``change``."""

    def __init__(self, given: Shape, output: Shape, change: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.linear = nn.LazyLinear(int(torch.tensor(output).prod()))
        self.linear(torch.zeros(1, *given).flatten(1))
        self.output, self.change = tuple(output), change

    def forward(self, values: Tensor) -> Any:
        return self.change(self.linear(values.flatten(1)).unflatten(1, self.output))


def _coder(change: Callable[[Tensor], Any]) -> Callable[..., nn.Module]:
    return lambda self, given, output: Coder(given, output, change)


def _fails(*_: Any) -> Any:
    raise KeyError("broken")


for name, change in {
    "tuple": lambda y: (y, y),
    "half": lambda y: y.half(),
    "integers": lambda y: y.long(),
    "nan": lambda y: y * float("nan"),
    "detached": lambda y: y.detach(),
    "numpy": lambda y: y.detach().numpy(),
    "wide": lambda y: torch.cat([y, y], 1),
}.items():
    faulty(vaezoo.Encoder, f"encoder_{name}", build=_coder(change))
    faulty(vaezoo.Decoder, f"decoder_{name}", build=_coder(change))
faulty(vaezoo.Encoder, "encoder_none", build=lambda self, image, output: None)
faulty(vaezoo.Encoder, "encoder_raises", build=_fails)


class Normal(nn.Module):
    """A standard normal prior, or one of its faulty variants."""

    def log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * (z**2 + 1.8378770664093453).flatten(1).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, 2, generator=generator)

    def kl(self, posterior: object) -> Tensor | None:
        return None


class NoKL(nn.Module):
    log_prob, sample = Normal.log_prob, Normal.sample


class ByLatent(Normal):
    def log_prob(self, z: Tensor) -> Tensor:
        return z


class Infinite(Normal):
    def log_prob(self, z: Tensor) -> Tensor:
        return z.sum(1) / 0


class OneSample(Normal):
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(2, generator=generator)


for module in (NoKL, ByLatent, Infinite, OneSample):
    faulty(vaezoo.Prior, f"prior_{module.__name__}", build=lambda self, space, made=module: made())


class Scalar(nn.Module):
    """A likelihood that sums over the batch."""

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        return -((images - parameters) ** 2).sum()

    def mean(self, parameters: Tensor) -> Tensor:
        return parameters


class Unbounded(Scalar):
    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        return torch.log(parameters - 100).flatten(1).sum(1)


faulty(vaezoo.Likelihood, "likelihood_scalar", build=lambda self, image: Scalar())
faulty(vaezoo.Likelihood, "likelihood_nan", build=lambda self, image: Unbounded())
faulty(
    vaezoo.Likelihood,
    "likelihood_method",
    build=lambda self, image: Scalar(),
    parameters_per_pixel=lambda self: 1,
)


def elbo_terms(model: VAE, batch: Batch, generator: torch.Generator) -> Terms:
    trace = model.trace(batch, generator)
    kl, reconstruction = trace.kl, trace.reconstruction
    return {"objective": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


class Objective(nn.Module):
    """The ELBO, followed by ``change``."""

    def __init__(self, change: Callable[[Terms], Any]) -> None:
        super().__init__()
        self.change = change

    def forward(
        self, model: VAE, batch: Batch, weights: Mapping[str, float], generator: torch.Generator
    ) -> Any:
        return self.change(elbo_terms(model, batch, generator))


class Detached(nn.Module):
    """The ELBO without a gradient in the encoder."""

    def forward(
        self, model: VAE, batch: Batch, weights: Mapping[str, float], generator: torch.Generator
    ) -> Terms:
        trace = model.trace(batch, generator, encoded=model.encoded(batch.images).detach())
        kl, reconstruction = trace.kl, trace.reconstruction
        return {"objective": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


def _objective(change: Callable[[Tensor], Any]) -> Callable[[Terms], Any]:
    return lambda terms: {**terms, "objective": change(terms["objective"])}


for name, altered in {
    "scalars": lambda terms: {k: v.mean() for k, v in terms.items()},
    "missing": lambda terms: {k: v for k, v in terms.items() if k != "kl"},
    "tuple": lambda terms: tuple(terms.values()),
    "tensor": lambda terms: terms["objective"],
    "none": lambda terms: None,
    "floats": lambda terms: {k: v.mean().item() for k, v in terms.items()},
    "double": lambda terms: {k: v.double() for k, v in terms.items()},
    "text": lambda terms: {**terms, "remark": "text"},
    "raises": _fails,
    "flipped": _objective(lambda objective: -objective),
    "detached": _objective(lambda objective: objective.detach()),
    "nan": _objective(lambda objective: objective * float("nan")),
    "random": _objective(lambda objective: objective + torch.randn(())),
    "hidden": lambda terms: {**terms, "kl": terms["kl"] - 5},
}.items():
    faulty(vaezoo.Loss, f"loss_{name}", build=lambda self, altered=altered: Objective(altered))
faulty(vaezoo.Loss, "loss_no_encoder", build=lambda self: Detached())
faulty(vaezoo.Loss, "loss_no_module", build=lambda self: None)
faulty(vaezoo.Loss, "loss_unbuilt", build=_fails)


class FailingStep(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        raise ValueError("the step fails")


_LR: dict[str, Any] = {"__annotations__": {"lr": float}, "lr": 1e-3}
faulty(vaezoo.Optimizer, "optimizer_none", build=lambda self, parameters, lr: None, **_LR)
faulty(vaezoo.Optimizer, "optimizer_raises", build=_fails, **_LR)
faulty(
    vaezoo.Optimizer,
    "optimizer_step",
    build=lambda self, parameters, lr: FailingStep(parameters, lr),
    **_LR,
)


def figure(value: Any, name: str = "mine") -> Figure:
    return Figure(name, value, "nats per example", "test", "bernoulli", "none", 1, 20)


def _metric(made: Callable[[EvaluationContext], Any]) -> Any:
    return lambda self, context: made(context)


for name, made in {
    "none": lambda context: None,
    "one": lambda context: figure(1.0),
    "dictionary": lambda context: [{"mine": 1.0}],
    "no_value": lambda context: [figure(None)],
    "tensor": lambda context: [figure(torch.tensor(1.0))],
    "text": lambda context: [figure("1.0")],
    "spaces": lambda context: [figure(1.0, "my figure")],
    "taken": lambda context: [figure(1.0, "elbo")],
    "exits": lambda context: exit(3),
}.items():
    faulty(vaezoo.Metric, f"metric_{name}", compute=_metric(made))


class Misspelt(BaseModel):
    width: int = 1


def _with_field(annotation: Any, default: Any) -> dict[str, Any]:
    return {
        "__annotations__": {"width": annotation},
        "width": default,
        "build": _coder(lambda y: y),
    }


faulty(vaezoo.Encoder, "default_range", **_with_field(int, Field(-5, ge=1)))
faulty(vaezoo.Encoder, "default_type", **_with_field(int, "wide"))
faulty(vaezoo.Encoder, "default_code", **_with_field(object, print))
faulty(vaezoo.Encoder, "open_model", **_with_field(Misspelt, Misspelt()))
