"""A training step as one compiled program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import GraphModule

from vaezoo.data.pixels import as_unit
from vaezoo.registry import Batch
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.build_optimizer import set_learning_rates
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.cuda_graph import as_cuda_graph
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.execution.graph_capture import (
    NotCapturable,
    Objective,
    capture,
    copy_generator,
    first_line,
    step_tensors,
    trainable,
    varying_weights,
)
from vaezoo.training.execution.inductor import Program, compile_graph
from vaezoo.training.execution.optimizer_updates import optimizer_update, scalar_count
from vaezoo.training.execution.precision import resolve_precision
from vaezoo.training.execution.step import ScheduledValues

Compiler = Callable[[GraphModule, Sequence[Tensor]], Program]


class CompiledStep:
    """Loss, gradients, clipping and optimizer update in one program, for full batches.

    The shorter last batch of an epoch is trained by an eager step on the same tensors. Random
    numbers come from the same generator in the same order as in an eager step.

    Raises NotCapturable for a step that no program reproduces.
    """

    def __init__(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        batch: Batch,
        compiler: Compiler = compile_graph,
        varying: Sequence[str] | None = None,
    ) -> None:
        """``batch`` is an example, with images as stored.

        ``varying`` names the loss weights that change between steps. The default is those that
        the spec schedules.
        """
        self._device = batch.images.device
        self._tolerances = _TOLERANCES[resolve_precision(spec.train.precision, self._device)]
        self._batch_size = len(batch.images)
        self._varying = tuple(varying_weights([spec]) if varying is None else varying)
        update = optimizer_update(state.optimizer, trainable(state.model))
        captured = capture(spec, state.model, loss, state.noise, update, batch, self._varying)
        self.terms = captured.terms
        self._draws = captured.draws
        self._trained = captured.trained
        self._bind(spec, state, loss)
        self._program = self._compile(captured.graph, compiler, batch)

    def sharing(self, spec: Spec, state: TrainingState, loss: LossModule) -> CompiledStep:
        """The step of another run, using the same program. CPU only.

        The runs may differ in seeds, learning rates and varying weights.
        """
        other = copy.copy(self)
        other._bind(spec, state, loss)
        return other

    def _bind(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        """Set the state to train."""
        self._state = state
        self._eager = EagerStep(spec, state, loss)
        self._update = optimizer_update(state.optimizer, trainable(state.model))
        self._parameters = [
            parameter
            for parameter, trained in zip(state.model.parameters(), self._trained, strict=True)
            if trained
        ]
        self._tensors = step_tensors(Objective(state.model, loss), self._update)

    def prepare(self, images: Tensor) -> Tensor:
        return images

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        if len(batch.images) != self._batch_size:
            sums = self._eager(as_unit(batch), now)
            if self._update:
                self._update.after_eager_step()
            return sums
        draws = [draw(self._state.noise) for draw in self._draws]
        with torch.no_grad():
            inputs = (*batch.tensors, self._scalars(now), *draws)
            sums, *gradients = self._program(*self._tensors, *inputs)
        if self._update:
            self._update.after_apply()
        else:
            self._optimizer_step(gradients, now)
        return sums

    def _scalars(self, now: ScheduledValues) -> Tensor:
        scalars = [now.weights[name] for name in self._varying]
        if self._update:
            scalars += self._update.scalars(now.lr_of)
        return _to_device(scalars, self._device)

    def _optimizer_step(self, gradients: Sequence[Tensor], now: ScheduledValues) -> None:
        """Step an optimizer that is not part of the program."""
        optimizer = self._state.optimizer
        set_learning_rates(optimizer, now.lr_of)
        optimizer.zero_grad(set_to_none=True)
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    def _compile(self, graph: GraphModule, compiler: Compiler, batch: Batch) -> Program:
        """Compile the graph and compare one step of both, on copies of the tensors.

        Raises NotCapturable where the compiler fails or the results differ.
        """
        generator = copy_generator(self._state.noise)
        scalars = torch.full((len(self._varying) + scalar_count(self._update),), 1e-3)
        draws = [draw(generator) for draw in self._draws]
        inputs = (*batch.tensors, scalars.to(self._device), *draws)
        first = [tensor.clone() for tensor in self._tensors]
        second = [tensor.clone() for tensor in self._tensors]
        try:
            program = compiler(graph, (*first, *inputs))
            with torch.no_grad():
                found = [*program(*first, *inputs), *first]
                expected = [*graph(*second, *inputs), *second]
            program = as_cuda_graph(program, self._tensors, inputs)
        except Exception as error:  # a compiler raises anything
            raise NotCapturable(f"the compiler failed: {first_line(error)}") from error
        outputs = len(found) - len(first)
        before = [*map(torch.zeros_like, expected[:outputs]), *self._tensors]
        tolerances = self._tolerance_of_each(outputs, len(first))
        for values in zip(found, expected, before, tolerances, strict=True):
            if not _is_close(*values):
                raise NotCapturable("the compiled step computes different values")
        return program

    def _tolerance_of_each(self, outputs: int, tensors: int) -> list[float]:
        """The tolerance of each program output, then of each tensor that the step changes.

        The outputs are term sums and gradients; the tensors are parameters, buffers and
        optimizer averages.
        """
        tolerances = self._tolerances
        parameters = len(list(self._state.model.parameters()))
        return [
            tolerances.terms,
            *[tolerances.gradients] * (outputs - 1),
            *[tolerances.parameters] * parameters,
            *[tolerances.gradients] * (tensors - parameters),
        ]


def _to_device(values: Sequence[float], device: torch.device) -> Tensor:
    """The values as float32, copied without waiting for the device."""
    on_host = torch.tensor(values, dtype=torch.float32, pin_memory=device.type == "cuda")
    return on_host.to(device, non_blocking=True)


def _is_close(found: Tensor, expected: Tensor, before: Tensor, tolerance: float) -> bool:
    """Whether the error is within a fraction of the change from ``before`` to ``expected``."""
    # buffers may be integers or booleans
    found, expected, before = found.double(), expected.double(), before.double()
    change = torch.linalg.vector_norm(expected - before)
    error = torch.linalg.vector_norm(found - expected)
    return bool(error <= tolerance * change + 1e-4) and bool(found.isfinite().all())


@dataclass(frozen=True)
class _StepTolerances:
    """How far a compiled step may differ from the captured graph, relative to the change.

    ``gradients`` holds for optimizer averages and buffers too. Parameters differ most: rounding
    may flip the sign of a gradient near 0, and the size of Adam's first step does not depend on
    the gradient's.
    """

    terms: float
    gradients: float
    parameters: float


#: by matmul precision
_TOLERANCES = {
    "float32": _StepTolerances(1e-3, 1e-3, 0.05),
    "tf32": _StepTolerances(0.02, 0.3, 0.3),
    "bfloat16": _StepTolerances(0.02, 0.3, 0.3),
}
