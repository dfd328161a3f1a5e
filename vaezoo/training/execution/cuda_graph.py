"""CUDA graphs: one launch for all kernels of a step instead of one for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaezoo.training.execution.inductor import Program


def as_cuda_graph(program: Program, static: Sequence[Tensor], inputs: Sequence[Tensor]) -> Program:
    """The program recorded as a CUDA graph; on other devices the program itself.

    The program changes the ``static`` tensors in place; they must keep their memory. Each call
    passes tensors like ``inputs`` after them. The program must have run before, so that its
    kernels are loaded. Recording does not execute it.
    """
    if inputs[0].device.type != "cuda":
        return program
    return _CUDAGraph(program, static, inputs)


class _CUDAGraph:
    def __init__(
        self, program: Program, static: Sequence[Tensor], inputs: Sequence[Tensor]
    ) -> None:
        self._static_count = len(static)
        self._inputs = [tensor.clone() for tensor in inputs]
        self._graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.no_grad(), torch.cuda.graph(self._graph):
            self._results = [*program(*static, *self._inputs)]

    def __call__(self, *tensors: Tensor) -> Sequence[Tensor]:
        for own, value in zip(self._inputs, tensors[self._static_count :], strict=True):
            own.copy_(value, non_blocking=True)
        self._graph.replay()
        sums, *gradients = self._results
        return [sums.clone(), *gradients]  # the next replay overwrites the originals
