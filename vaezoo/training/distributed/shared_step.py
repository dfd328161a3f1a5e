"""Steps shared by several processes. Each process computes its rows of every batch.

Each process draws the noise of the whole batch and uses its rows, so an example's noise does not
depend on the number of processes. DistributedDataParallel averages the gradients. The terms of all
examples are gathered, so that sums are those of one process.
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

from vaezoo.data.pixels import as_unit
from vaezoo.model import VAE
from vaezoo.registry.contracts import Batch
from vaezoo.registry.fields import value_at
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes, apart
from vaezoo.training.batch_norm import has_batch_norm
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.eager_update import EagerUpdate
from vaezoo.training.execution.graph_capture import Objective, copy_generator, term_sums
from vaezoo.training.execution.step import ScheduledValues


class DistributedStep:
    """An eager step on this process's rows of each batch."""

    def __init__(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        batch: Batch,
        processes: Processes,
    ) -> None:
        """``batch`` is an example, with images as stored."""
        self.terms: tuple[str, ...] = ()
        self._state = state
        self._update = EagerUpdate(spec, state)
        self._processes = processes
        objective = Objective(state.model, loss)
        self._objective = DistributedDataParallel(
            objective, find_unused_parameters=_has_unused(spec, state, objective, batch)
        )

    def prepare(self, images: Tensor) -> Tensor:
        return images

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        self._update.begin(now)
        whole, count = len(batch.images), self._processes.count
        rows = self._processes.share(whole)
        terms = shared_terms(self._objective, batch, rows, now.weights, self._state.noise)
        # the mean over the whole batch, also for unequal shares: DDP averages N times each sum
        (terms["objective"].sum() * (count / whole)).backward()
        self.terms = tuple(terms)
        return self._update.finish(term_sums(gathered(terms, rows, whole)), whole)


class SharedLoss(nn.Module):
    """A loss that each process computes for its rows; every process gets all terms."""

    def __init__(self, loss: LossModule, processes: Processes) -> None:
        super().__init__()
        self._loss = loss
        self._processes = processes

    def forward(
        self,
        model: VAE,
        batch: Batch,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """The loss terms of a batch of images in [0, 1], each (B,), without gradients."""
        whole = len(batch.images)
        rows = self._processes.share(whole)

        def objective(own: Batch, *rest: Any) -> dict[str, Tensor]:
            return self._loss(model, own, *rest)

        terms = shared_terms(objective, batch, rows, weights, generator)
        return gathered(terms, rows, whole)


def shared_terms(
    objective: Any,
    batch: Batch,
    rows: slice,
    weights: Mapping[str, float],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms of some rows of a batch, each (rows,).

    ``generator`` advances as for the whole batch.
    """
    # a process without rows computes row 0 and discards it: DDP needs all processes
    taken = rows if rows.stop > rows.start else slice(0, 1)
    own = batch.rows(taken)
    with _RowsOfWholeDraws(generator, taken, len(batch.images)):
        terms = objective(as_unit(own), weights, generator)
    return {name: values[: rows.stop - rows.start] for name, values in terms.items()}


def gathered(terms: Mapping[str, Tensor], rows: slice, whole: int) -> dict[str, Tensor]:
    """The terms of all processes, each (whole,), without gradients or rounding."""
    own = torch.stack([values.detach() for values in terms.values()])
    everything = own.new_zeros(len(terms), whole)
    everything[:, rows] = own
    dist.all_reduce(everything)  # a sum: the other processes have zeros in these rows
    return dict(zip(terms, everything, strict=True))


def warning_about(
    spec: Spec, state: TrainingState, loss: LossModule, batch: Batch, processes: Processes
) -> str | None:
    """Why results depend on the number of processes; None if they do not."""
    if has_batch_norm(state.model):
        cause = "batch normalization"
    elif _mixes_examples(spec, state, loss, batch, processes):
        cause = "the loss"
    elif updated := _updated_by_batch(spec, state, loss, batch, processes):
        cause = f"the update of {updated}"
    else:
        return None
    return (
        f"{cause} combines the examples of a batch, and each of {processes.count} processes sees "
        "only its share: results will differ from those of one process"
    )


def _mixes_examples(
    spec: Spec, state: TrainingState, loss: LossModule, batch: Batch, processes: Processes
) -> bool:
    """Whether an example's objective depends on the other examples of its batch."""
    objective = Objective(copy.deepcopy(state.model), copy.deepcopy(loss)).eval()
    whole = len(batch.images)
    shares = [Processes(rank, processes.count).share(whole) for rank in range(processes.count)]

    weights = {name: value_at(value, 0) or 1.0 for name, value in spec.loss.weights.items()}
    # free bits may hide the dependence at one weight and show it at another
    trials = [weights, *({**weights, name: 1e-3 * value} for name, value in weights.items())]

    def values(rows: slice, trial: Mapping[str, float]) -> Tensor:
        return shared_terms(objective, batch, rows, trial, copy_generator(state.noise))["objective"]

    with torch.no_grad():
        for trial in trials:
            at_once = values(slice(0, whole), trial)
            in_parts = torch.cat([values(rows, trial) for rows in shares])
            if not torch.allclose(at_once, in_parts, rtol=1e-5, equal_nan=True):
                return True
    return False


def _updated_by_batch(
    spec: Spec, state: TrainingState, loss: LossModule, batch: Batch, processes: Processes
) -> str | None:
    """A buffer of the model that training changes by the examples of a batch, such as a codebook.

    DistributedDataParallel gives every process the buffers of the first one.
    """
    weights = {name: value_at(value, 0) for name, value in spec.loss.weights.items()}
    whole = len(batch.images)

    def buffers(rows: slice) -> dict[str, Tensor]:
        trial = Objective(copy.deepcopy(state.model), copy.deepcopy(loss)).train()
        with torch.no_grad():
            shared_terms(trial, batch, rows, weights, copy_generator(state.noise))
        return dict(trial.model.named_buffers())

    at_once, of_first = (
        buffers(slice(0, whole)),
        buffers(Processes(0, processes.count).share(whole)),
    )
    return next(
        (name for name, value in at_once.items() if not torch.equal(value, of_first[name])), None
    )


def _has_unused(spec: Spec, state: TrainingState, objective: Objective, batch: Batch) -> bool:
    """Whether a parameter has no gradient, which DistributedDataParallel must know."""
    weights = {name: value_at(value, 0) for name, value in spec.loss.weights.items()}
    trial = copy.deepcopy(objective).train()
    two = batch.rows(slice(2))
    terms = trial(as_unit(two), weights, copy_generator(state.noise))
    terms["objective"].mean().backward()
    return any(p.grad is None for p in trial.parameters() if p.requires_grad)


class _RowsOfWholeDraws(TorchFunctionMode):
    """Replaces each random draw for some rows by those rows of a draw for the whole batch."""

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
            raise _not_divisible(f"it draws with {getattr(func, '__name__', func)}")
        shape = list(_shape(args, kwargs))
        own = self._rows.stop - self._rows.start
        if own in shape:
            dimension = shape.index(own)
            shape[dimension] = self._whole
            drawn: Tensor = func(shape, **kwargs)
            return drawn.narrow(dimension, self._rows.start, own)
        if own > 1 and any(size and size % own == 0 for size in shape):
            raise _not_divisible(f"it draws {tuple(shape)} numbers for {own} examples")
        return func(shape, **kwargs)  # no dimension is that of the examples


def _shape(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[int]:
    given = kwargs.pop("size", args)
    return given[0] if len(given) == 1 and isinstance(given[0], Sequence) else given


def _not_divisible(why: str) -> Exception:
    return apart(
        f"the noise of the loss cannot be divided among processes: {why}",
        "draw with torch.randn or torch.rand, with one dimension for the examples of the batch, "
        "or train in one process",
    )
