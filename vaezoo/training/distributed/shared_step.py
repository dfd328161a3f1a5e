"""Steps that several processes share: each computes its part of every batch.

An example has the same noise whatever the number of processes, since each process draws for the
whole batch and takes its rows. Gradients are averaged by DistributedDataParallel; the terms of
each example are brought together, so that figures add up as they do in one process.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from vaezoo.data.pixels import to_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import LossModule
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes, apart
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.compiled import ScheduledValues
from vaezoo.training.execution.eager_optimizers import step_of
from vaezoo.training.execution.graph_capture import Objective, sums_of


class DistributedStep:
    """Operation by operation, on this process's share of each batch."""

    def __init__(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        images: Tensor,
        processes: Processes,
    ) -> None:
        """``images`` (B, C, H, W), as stored, show what a batch looks like."""
        self.terms: tuple[str, ...] = ()
        self._state = state
        self._clip = spec.train.gradient_clip
        self._move = step_of(state.optimizer)
        self._processes = processes
        objective = Objective(state.model, loss)
        self._objective = DistributedDataParallel(
            objective, find_unused_parameters=_has_unused(spec, state, objective, images)
        )

    def prepare(self, images: Tensor) -> Tensor:
        return images

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        model, optimizer = self._state.model, self._state.optimizer
        for group in optimizer.param_groups:
            group["lr"] = now.lr
        optimizer.zero_grad(set_to_none=True)
        whole, count = len(images), self._processes.count
        rows = self._processes.share(whole)
        terms = shared_terms(self._objective, images, rows, now.weights, self._state.noise)
        # a mean over the whole batch, however uneven the shares: the average of N times each sum
        (terms["objective"].sum() * (count / whole)).backward()
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), self._clip)
        self._move()
        self.terms = tuple(terms)
        return sums_of(gathered(terms, rows, whole))


class SharedLoss(nn.Module):
    """A loss that each process computes for its share; all of them get the terms of all."""

    def __init__(self, loss: LossModule, processes: Processes) -> None:
        super().__init__()
        self._loss = loss
        self._processes = processes

    def forward(
        self,
        model: VAE,
        images: Tensor,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """images (B, C, H, W) in [0, 1] -> the loss's terms, each (B,), without gradients."""
        rows = self._processes.share(len(images))

        def objective(mine: Tensor, *rest: Any) -> dict[str, Tensor]:
            return self._loss(model, mine, *rest)

        terms = shared_terms(objective, images, rows, weights, generator)
        return gathered(terms, rows, len(images))


def shared_terms(
    objective: Any,
    images: Tensor,
    rows: slice,
    weights: Mapping[str, float],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms of some rows of a batch of images (B, C, H, W), each (rows,).

    ``generator`` moves on as if the terms of the whole batch had been computed.
    """
    # a process without a row computes another's, and gives nothing of it: all must take part
    taken = rows if rows.stop > rows.start else slice(0, 1)
    with _RowsOfWholeDraws(generator, taken, len(images)):
        terms = objective(to_unit(images[taken]), weights, generator)
    return {name: values[: rows.stop - rows.start] for name, values in terms.items()}


def gathered(terms: Mapping[str, Tensor], rows: slice, whole: int) -> dict[str, Tensor]:
    """The terms of all processes, each (whole,), without gradients: exactly what they were."""
    mine = torch.stack([values.detach() for values in terms.values()])
    everyone = mine.new_zeros(len(terms), whole)
    everyone[:, rows] = mine
    dist.all_reduce(everyone)  # others add zeros
    return dict(zip(terms, everyone, strict=True))


def warning_about(
    spec: Spec, state: TrainingState, loss: LossModule, images: Tensor, processes: Processes
) -> str | None:
    """Why this model's figures depend on the number of processes, None if they do not."""
    normalized = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in state.model.modules())
    if normalized or _looks_across(spec, state, loss, images, processes):
        what = "batch normalisation" if normalized else "the loss"
        return (
            f"{what} looks across a batch, of which each of {processes.count} processes sees "
            "its share alone: figures will not be those of one process"
        )
    return None


def _looks_across(
    spec: Spec, state: TrainingState, loss: LossModule, images: Tensor, processes: Processes
) -> bool:
    """Whether an example's objective depends on which others are computed with it."""
    objective = Objective(copy.deepcopy(state.model), copy.deepcopy(loss)).eval()
    shares = [
        Processes(rank, processes.count).share(len(images)) for rank in range(processes.count)
    ]

    weights = {name: value_at(value, 0) or 1.0 for name, value in spec.loss.weights.items()}
    # a floor under the KL hides at one weight what it does at another
    trials = [weights, *({**weights, name: 1e-3 * value} for name, value in weights.items())]

    def values(rows: slice, trial: Mapping[str, float]) -> Tensor:
        return shared_terms(objective, images, rows, trial, _aside(state))["objective"]

    with torch.no_grad():
        for trial in trials:
            at_once = values(slice(0, len(images)), trial)
            in_parts = torch.cat([values(rows, trial) for rows in shares])
            if not torch.allclose(at_once, in_parts, rtol=1e-5, equal_nan=True):
                return True
    return False


def _has_unused(spec: Spec, state: TrainingState, objective: Objective, images: Tensor) -> bool:
    """Whether a parameter has no gradient, for which DistributedDataParallel must look out."""
    weights = {name: value_at(value, 0) for name, value in spec.loss.weights.items()}
    trial = copy.deepcopy(objective).train()
    terms = trial(to_unit(images[:2]), weights, _aside(state))
    terms["objective"].mean().backward()
    return any(p.grad is None for p in trial.parameters() if p.requires_grad)


def _aside(state: TrainingState) -> torch.Generator:
    """A generator that stands where the run's does."""
    aside = torch.Generator(state.noise.device)
    aside.set_state(state.noise.get_state())
    return aside


class _RowsOfWholeDraws(TorchFunctionMode):
    """Turns each draw for some rows of a batch into those rows of a draw for the whole batch."""

    def __init__(self, generator: torch.Generator, rows: slice, whole: int) -> None:
        super().__init__()
        self._generator = generator
        self._rows = rows
        self._whole = whole

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is not self._generator:
            return func(*args, **kwargs)
        if func not in (torch.randn, torch.rand):
            raise _undivided(f"it draws by {getattr(func, '__name__', func)}")
        shape = list(_shape(args, kwargs))
        mine = self._rows.stop - self._rows.start
        if mine in shape:
            dimension = shape.index(mine)
            shape[dimension] = self._whole
            drawn: Tensor = func(shape, **kwargs)
            return drawn.narrow(dimension, self._rows.start, mine)
        if mine > 1 and any(size and size % mine == 0 for size in shape):
            raise _undivided(f"it draws {tuple(shape)} numbers for {mine} examples")
        return func(shape, **kwargs)  # no part of it belongs to an example


def _shape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[int]:
    given = kwargs.pop("size", args)
    return given[0] if len(given) == 1 and isinstance(given[0], Sequence) else given


def _undivided(why: str) -> Exception:
    return apart(
        f"the loss's noise cannot be divided among processes: {why}",
        "draw with torch.randn or torch.rand, with one dimension for the examples of the batch, "
        "or train in one process",
    )
