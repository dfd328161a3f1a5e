"""A small graph of array operations: what remains of a model when it leaves PyTorch.

Every shape is known, for one example. Numbers are float32; integers and truth values are numbers
too. The operations are those of ``OPERATIONS``; ``run_graph`` and ``engine.js`` carry them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

#: Each operation and its attributes.
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "reshape": (),  # the same numbers in another shape
    "gather": ("map", "fill"),  # flat indices into the inputs, one after another; −1 is ``fill``
    "rows": (),  # the rows of a matrix with the numbers of the second input
    "unary": ("name", "values"),  # a function of each number
    "binary": ("name",),  # a function of two, with broadcasting
    "where": (),  # the second where the first is not 0, else the third
    "matmul": ("batch",),  # (batch, M, K) times (batch, K, N), plus an optional vector (N,)
    "convolve": ("stride", "padding", "dilation", "groups"),
    "convolve_transposed": ("stride", "padding", "dilation", "groups"),
    "reduce": ("name",),  # (outer, inner) -> (outer,)
    "softmax": (),  # of each row of (outer, inner)
    "log_softmax": (),
    "normalize": ("epsilon",),  # each row of (outer, inner) to mean 0 and variance 1
    "cumsum": (),  # along each row of (outer, inner)
}


@dataclass(frozen=True)
class Operation:
    """One step: value ``output`` from the values ``inputs``."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class ArrayGraph:
    """Values are numbered. ``inputs`` and ``outputs`` give the numbers of those with names."""

    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    constants: dict[int, Tensor] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)

    def value(self, shape: tuple[int, ...]) -> int:
        """The number of a new value."""
        self.shapes.append(tuple(int(length) for length in shape))
        return len(self.shapes) - 1

    def constant(self, values: Tensor) -> int:
        """The number of a new constant."""
        number = self.value(tuple(values.shape))
        self.constants[number] = values.detach().cpu().float().contiguous()
        return number

    def add(
        self, kind: str, inputs: tuple[int, ...], shape: tuple[int, ...], /, **attributes: Any
    ) -> int:
        """Append an operation; the number of its output."""
        if set(attributes) != set(OPERATIONS[kind]):
            raise ValueError(f"{kind} has the attributes {', '.join(OPERATIONS[kind])}")
        output = self.value(shape)
        self.operations.append(Operation(kind, inputs, output, attributes))
        return output

    def without_unused(self) -> ArrayGraph:
        """The same graph without operations and constants that no output needs."""
        needed = set(self.outputs.values())
        kept = []
        for operation in reversed(self.operations):
            if operation.output in needed:
                kept.append(operation)
                needed.update(operation.inputs)
        constants = {number: one for number, one in self.constants.items() if number in needed}
        return ArrayGraph(self.inputs, self.outputs, self.shapes, constants, kept[::-1])

    @property
    def weights(self) -> int:
        """How many numbers the constants have."""
        return sum(one.numel() for one in self.constants.values())
