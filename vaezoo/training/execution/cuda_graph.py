"""Programs as CUDA graphs: one launch for all kernels of a step, instead of one for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaezoo.training.execution.inductor import Program


def replayed(program: Program, fixed: Sequence[Tensor], given: Sequence[Tensor]) -> Program:
    """On a GPU the program as one graph, elsewhere the program itself.

    ``fixed`` are the tensors that it moves, which must stay where they are in memory; tensors
    like ``given`` follow them in every call. The program has run before, so that all its kernels
    are loaded. Nothing is moved here: what a graph records, it does not do.
    """
    if given[0].device.type != "cuda":
        return program
    return _Replay(program, fixed, given)


class _Replay:
    def __init__(self, program: Program, fixed: Sequence[Tensor], given: Sequence[Tensor]) -> None:
        self._fixed = len(fixed)
        self._slots = [tensor.clone() for tensor in given]
        self._graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.no_grad(), torch.cuda.graph(self._graph):
            self._results = [*program(*fixed, *self._slots)]

    def __call__(self, *inputs: Tensor) -> Sequence[Tensor]:
        for slot, value in zip(self._slots, inputs[self._fixed :], strict=True):
            slot.copy_(value, non_blocking=True)
        self._graph.replay()
        sums, *gradients = self._results
        return [sums.clone(), *gradients]  # the next step writes over what is not copied
