"""One training step, by two roads: as PyTorch runs it, or as one compiled program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.fx import GraphModule

from vaezoo.data.pixels import to_unit
from vaezoo.registry.contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.cuda_graph import replayed
from vaezoo.training.execution.eager_optimizers import step_of
from vaezoo.training.execution.graph_capture import (
    NotCapturable,
    Objective,
    capture,
    sums_of,
    tensors_of,
    varying_weights,
)
from vaezoo.training.execution.inductor import Program, compiled
from vaezoo.training.execution.optimizer_updates import update_of
from vaezoo.training.execution.precision import chosen

Compiler = Callable[[GraphModule, Sequence[Tensor]], Program]


@dataclass(frozen=True)
class ScheduledValues:
    """What is scheduled, at one step: the loss's weights and the learning rate."""

    weights: Mapping[str, float]
    lr: float


class Step(Protocol):
    """Trains on one batch."""

    #: the loss's terms, in the order of their sums; known after the first step
    terms: tuple[str, ...]

    def prepare(self, images: Tensor) -> Tensor:
        """Stored images of several batches as the step takes them."""

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        """Move the model; the sum of each term over the batch: (T,), on the device."""


class EagerStep:
    """Operation by operation."""

    def __init__(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        self.terms: tuple[str, ...] = ()
        self._state = state
        self._loss = loss
        self._clip = spec.train.gradient_clip
        self._move = step_of(state.optimizer)

    def prepare(self, images: Tensor) -> Tensor:
        return to_unit(images)

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        model, optimizer = self._state.model, self._state.optimizer
        for group in optimizer.param_groups:
            group["lr"] = now.lr
        optimizer.zero_grad(set_to_none=True)
        terms = self._loss(model, images, now.weights, self._state.noise)
        terms["objective"].mean().backward()
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), self._clip)
        self._move()
        self.terms = tuple(terms)
        return sums_of(terms)


class CompiledStep:
    """Loss, gradients, clipping and update as one program for whole batches.

    The shorter last batch of an epoch is trained operation by operation, on the same tensors.
    Random numbers are drawn as in a plain step, in the same order from the same generator.
    Raises NotCapturable for a step that cannot become a program that does the same.
    """

    def __init__(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        images: Tensor,
        compiler: Compiler = compiled,
        varying: Sequence[str] | None = None,
    ) -> None:
        """``images`` (B, C, H, W), as stored, show what a batch looks like.

        ``varying`` names the loss's weights that may be others in each step, which are those
        that the spec schedules if left out.
        """
        self._apart = _APART[chosen(spec.train.precision, images.device)]
        self._device = images.device
        self._size = len(images)
        self._varying = tuple(varying_weights([spec]) if varying is None else varying)
        update = update_of(state.optimizer)
        captured = capture(spec, state.model, loss, state.noise, update, images, self._varying)
        self.terms = captured.terms
        self._draws = captured.draws
        self._trained = captured.trained
        self._train(spec, state, loss)
        self._program = self._proven(captured.graph, compiler, images)

    def sharing(self, spec: Spec, state: TrainingState, loss: LossModule) -> CompiledStep:
        """The step of another run by the same program, on a CPU; the runs may differ in seeds,
        learning rates and the weights that vary."""
        other = copy.copy(self)
        other._train(spec, state, loss)
        return other

    def _train(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        """Train this state from now on."""
        self._state = state
        self._rest = EagerStep(spec, state, loss)
        self._update = update_of(state.optimizer)
        self._parameters = [
            parameter
            for parameter, trained in zip(state.model.parameters(), self._trained, strict=True)
            if trained
        ]
        self._tensors = tensors_of(Objective(state.model, loss), self._update)

    def prepare(self, images: Tensor) -> Tensor:
        return images

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        if len(images) != self._size:
            sums = self._rest(to_unit(images), now)
            if self._update:
                self._update.follow()
            return sums
        draws = [draw(self._state.noise) for draw in self._draws]
        with torch.no_grad():
            sums, *gradients = self._program(*self._tensors, images, self._numbers(now), *draws)
        if self._update:
            self._update.count()
        else:
            self._move(gradients, now.lr)
        return sums

    def _numbers(self, now: ScheduledValues) -> Tensor:
        numbers = [now.weights[name] for name in self._varying]
        if self._update:
            numbers += self._update.numbers(now.lr)
        return on_device(numbers, self._device)

    def _move(self, gradients: Sequence[Tensor], lr: float) -> None:
        """The step of an optimizer that is no part of the program."""
        optimizer = self._state.optimizer
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    def _proven(self, graph: GraphModule, compiler: Compiler, images: Tensor) -> Program:
        """The program, once it has done on copies what the graph does."""
        aside = torch.Generator(self._state.noise.device)
        aside.set_state(self._state.noise.get_state())
        numbers = torch.full((len(self._varying) + self._count(),), 1e-3, device=images.device)
        rest = (images, numbers, *(draw(aside) for draw in self._draws))
        first = [tensor.clone() for tensor in self._tensors]
        second = [tensor.clone() for tensor in self._tensors]
        try:
            program = compiler(graph, (*first, *rest))
            with torch.no_grad():
                found = [*program(*first, *rest), *first]
                expected = [*graph(*second, *rest), *second]
            program = replayed(program, self._tensors, rest)
        except Exception as error:  # whatever the compiler stumbles over
            lines = str(error).strip().splitlines()
            reason = lines[0] if lines else type(error).__name__
            raise NotCapturable(f"the compiler failed: {reason}") from error
        unmoved = [*map(torch.zeros_like, expected[: -len(first)]), *self._tensors]
        # the terms, gradients that the program gives, parameters, then buffers and averages
        parameters = len(list(self._state.model.parameters()))
        given, kept = len(found) - len(first) - 1, len(first) - parameters
        apart = self._apart
        shares = [
            apart.terms,
            *[apart.gradients] * given,
            *[apart.parameters] * parameters,
            *[apart.gradients] * kept,
        ]
        for values in zip(found, expected, unmoved, shares, strict=True):
            if not _alike(*values):
                raise NotCapturable("the compiled step does not do what the plain one does")
        return program

    def _count(self) -> int:
        return len(self._update.numbers(0.0)) if self._update else 0


def on_device(numbers: Sequence[float], device: torch.device) -> Tensor:
    """Float32 numbers on a device, for which nobody waits."""
    held = torch.tensor(numbers, dtype=torch.float32, pin_memory=device.type == "cuda")
    return held.to(device, non_blocking=True)


def _alike(found: Tensor, expected: Tensor, unmoved: Tensor, share: float) -> bool:
    """Whether two ways moved a tensor alike, up to a share of the movement as a whole."""
    moved = torch.linalg.vector_norm((expected - unmoved).double())
    apart = torch.linalg.vector_norm((found - expected).double())
    return bool(apart <= share * moved + 1e-4) and bool(found.isfinite().all())


@dataclass(frozen=True)
class _Apart:
    """How far two ways of one step may lie apart: in the loss's terms, in gradients and what
    averages them, and in parameters. Those differ most: a gradient near 0 that is rounded in
    another order may change its sign, and Adam's first step is of one size whichever it has."""

    terms: float
    gradients: float
    parameters: float


#: By the numbers in which products are taken.
_APART = {
    "float32": _Apart(1e-3, 1e-3, 0.05),
    "tf32": _Apart(0.02, 0.3, 0.3),
    "bfloat16": _Apart(0.02, 0.3, 0.3),
}
