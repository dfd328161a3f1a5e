"""Checks of components that build an ``nn.Module``."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaezoo.system import safetensors_io
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.outcome import NotApplicable, optional, require


@dataclass(frozen=True)
class Case:
    """A module of one size, and how to call it."""

    name: str
    build: Callable[[], nn.Module]
    #: Draws the inputs of a batch with that number of examples.
    inputs: Callable[[int, torch.Generator], tuple[Tensor, ...]]
    call: Callable[..., tuple[Tensor, ...]]
    #: The shape of each output, without the batch.
    outputs: tuple[tuple[int, ...], ...]
    #: Inputs that need a gradient too.
    differentiable: tuple[int, ...] = ()
    #: Prefix of the parameters to check, such as ``prior.``.
    part: str = ""

    def draw(self, count: int, seed: int = 0) -> tuple[Tensor, ...]:
        """Inputs for ``count`` examples."""
        return self.inputs(count, torch.Generator().manual_seed(seed))


class NetworkConformance(ComponentConformance):
    """Checks of modules: shapes, gradients, seeds, weights, compilation."""

    batch: ClassVar[int] = 5

    @abstractmethod
    def cases(self) -> list[Case]:
        """The sizes to check. Raises Nonconforming if there are none."""

    def test_shapes_and_types(self) -> None:
        """Outputs have the right shape, are float32 and finite, in training and evaluation."""
        for case in self.cases():
            module = seeded(case)
            for mode in (module.train, module.eval):
                mode()
                _require_outputs(case, case.call(module, *case.draw(self.batch)), self.batch)
            _require_outputs(case, case.call(module, *case.draw(1)), 1)

    def test_builds_on_meta(self) -> None:
        """It can be built and called on the meta device, which uses no memory."""
        for case in self.cases():
            with torch.device("meta"):
                module = seeded(case)
            inputs = [value.to("meta") for value in case.draw(self.batch)]
            for output, shape in zip(case.call(module, *inputs), case.outputs, strict=True):
                require(
                    output.device.type == "meta" and output.shape == (self.batch, *shape),
                    f"{case.name}: on meta, an output is {tuple(output.shape)} on "
                    f"{output.device.type}; create tensors on the device of the input",
                )

    def test_examples_are_independent(self) -> None:
        """In evaluation mode, an example's result does not depend on the rest of the batch."""
        for case in self.cases():
            module = seeded(case).eval()
            inputs = case.draw(self.batch)
            alone = case.call(module, *(value[:1] for value in inputs))
            together = case.call(module, *inputs)
            for one, several in zip(alone, together, strict=True):
                require(
                    _close(one, several[:1]),
                    f"{case.name}: the first example's result depends on the others in the batch",
                )

    def test_gradients_reach_every_parameter(self) -> None:
        """Every parameter gets a finite gradient that is not all zeros."""
        for case in self.cases():
            missed = unreached(case, self.batch)
            require(not missed, f"{case.name}: no gradient for {', '.join(sorted(missed))}")

    def test_same_seed_same_weights(self) -> None:
        """Only PyTorch's seed decides the weights."""
        for case in self.cases()[:1]:
            first, again = (seeded(case, 7).state_dict() for _ in range(2))
            differ = [n for n, value in first.items() if not torch.equal(value, again[n])]
            require(
                not differ,
                f"{', '.join(differ)} differ between two builds with one seed; "
                "draw only from torch's generator",
            )

    def test_evaluation_is_deterministic(self) -> None:
        """In evaluation mode, equal inputs give equal outputs and no random number is drawn."""
        for case in self.cases()[:1]:
            module = seeded(case).eval()
            inputs, before = case.draw(self.batch), torch.get_rng_state()
            first, again = (case.call(module, *inputs) for _ in range(2))
            require(all(map(torch.equal, first, again)), "equal inputs give different outputs")
            require(
                torch.equal(before, torch.get_rng_state()),
                "it draws random numbers in evaluation mode; does dropout ignore eval()?",
            )

    def test_state_is_tensors(self) -> None:
        """The state has only tensors, so that nothing needs pickle."""
        for case in self.cases()[:1]:
            state: dict[str, object] = dict(seeded(case).state_dict())
            odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
            require(not odd, f"{', '.join(odd)} is not a tensor; use parameters and buffers")

    def test_weights_survive_safetensors(self) -> None:
        """Saved and loaded into a module with another seed, it gives the same outputs."""
        case = self.cases()[0]
        module = seeded(case, 1)
        _nudge(module, seed=5)  # as training would
        module.train()
        case.call(module, *case.draw(self.batch))
        other = seeded(case, 2)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            safetensors_io.save(path, module.state_dict(), {})
            other.load_state_dict(safetensors_io.load(path)[0], strict=True)
        inputs = case.draw(self.batch)
        pairs = zip(
            case.call(module.eval(), *inputs), case.call(other.eval(), *inputs), strict=True
        )
        require(
            all(torch.equal(one, same) for one, same in pairs),
            "after loading, the outputs differ; everything that it uses must be a parameter or "
            "a persistent buffer",
        )

    @optional
    def test_compiles_in_one_graph(self) -> None:
        """torch.compile compiles it in one graph, forward and backward."""
        self._require_compiled("aot_eager")

    @optional
    def test_compiles_natively(self) -> None:
        """Compiled with the inductor backend, outputs are the same. Only with ``native = True``."""
        if not self.native:
            raise NotApplicable("only with --native, or native = True in a test class")
        if not any(map(shutil.which, ("c++", "g++", "clang++"))):
            raise NotApplicable("needs a C++ compiler")
        self._require_compiled("inductor")

    def _require_compiled(self, backend: str) -> None:
        case = self.cases()[0]
        module = seeded(case).eval()
        inputs = case.draw(self.batch)
        for index in case.differentiable:
            inputs[index].requires_grad_()
        torch.compiler.reset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = torch.compile(case.call, backend=backend, fullgraph=True)
            outputs = compiled(module, *inputs)
            total = torch.stack([output.sum() for output in outputs]).sum()
            if total.requires_grad:
                total.backward()
        torch.compiler.reset()
        for output, expected in zip(outputs, case.call(module, *inputs), strict=True):
            require(_close(output, expected), "its outputs change when compiled")


def seeded(case: Case, seed: int = 0) -> nn.Module:
    """The case's module, with weights drawn from ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = case.build()
    require(
        isinstance(module, nn.Module),
        f"build returns a {type(module).__name__}, which is not an nn.Module",
    )
    return module


def unreached(case: Case, batch: int) -> set[str]:
    """The names of parameters and inputs without a gradient in each of a few tries.

    Noise is added to the weights first: a layer initialized to 0 blocks the gradient. Raises
    Nonconforming for a gradient that is infinite or NaN.
    """
    missed: set[str] | None = None
    for seed in range(3):
        module = seeded(case, seed).train()
        _nudge(module, seed)
        inputs = case.draw(batch, seed)
        for index in case.differentiable:
            inputs[index].requires_grad_()
        outputs = case.call(module, *inputs)
        generator = torch.Generator().manual_seed(seed)
        total = torch.stack(
            [(torch.randn(out.shape, generator=generator) * out).sum() for out in outputs]
        ).sum()
        if not total.requires_grad:
            total = total + torch.zeros((), requires_grad=True)
        total.backward()
        gradients: dict[str, Any] = {
            name: parameter.grad
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and name.startswith(case.part)
        }
        gradients |= {f"input {i}": inputs[i].grad for i in case.differentiable}
        for name, gradient in gradients.items():
            finite = gradient is None or bool(gradient.isfinite().all())
            require(finite, f"{case.name}: the gradient of {name} is not finite")
        now = {name for name, value in gradients.items() if value is None or not value.any()}
        missed = now if missed is None else missed & now
    return missed or set()


def _nudge(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))


def _close(one: Tensor, other: Tensor) -> bool:
    """Whether float32 results agree up to the order of summation."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4)


def _require_outputs(case: Case, outputs: tuple[Tensor, ...], count: int) -> None:
    __tracebackhide__ = True
    require(
        len(outputs) == len(case.outputs),
        f"{case.name}: {len(outputs)} outputs, expected {len(case.outputs)}",
    )
    for number, (output, shape) in enumerate(zip(outputs, case.outputs, strict=True), 1):
        require(isinstance(output, Tensor), f"{case.name}: output {number} is {output!r}")
        require(
            tuple(output.shape) == (count, *shape),
            f"{case.name}: output {number} is {tuple(output.shape)}, expected {(count, *shape)}",
        )
        require(
            output.dtype == torch.float32,
            f"{case.name}: output {number} is {output.dtype}, expected torch.float32",
        )
        require(output.isfinite().all(), f"{case.name}: output {number} is not finite")
