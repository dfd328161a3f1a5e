"""Graphs into machine code, by PyTorch's own compiler."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.fx import GraphModule

from vaezoo.system.files import cache_folder
from vaezoo.training.execution.graph_rewrites import with_fast_products

Program = Callable[..., Sequence[Tensor]]


def missing(device: torch.device) -> str | None:
    """What this machine lacks to compile for a device, as far as a cheap look can tell."""
    if device.type == "cpu":
        named = os.environ.get("CXX")
        names = [named] if named else ["g++", "clang++", "c++", "cl"]
        if not any(shutil.which(name) for name in names):
            return "there is no C++ compiler"
        return None
    if device.type == "cuda":
        return None if find_spec("triton") else "triton is not installed"
    return f"there is no compiler for {device.type}"


def compiled(graph: GraphModule, inputs: Sequence[Tensor]) -> Program:
    """The graph as a program for inputs of these shapes; raises whatever the compiler raises.

    What was compiled before is found again in the user's cache folder.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
    from torch._inductor import compile as to_program
    from torch._inductor import config

    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        # one process: starting helpers costs more than the few kernels of a step take
        stack.enter_context(config.patch(compile_threads=1))
        stack.enter_context(_quiet("torch.utils.cpp_extension"))
        if inputs[0].device.type == "cpu":
            graph = with_fast_products(graph, inputs)
            stack.enter_context(_findable())
        program: Program = to_program(graph, list(inputs))
        return program


@contextlib.contextmanager
def _findable() -> Iterator[None]:
    """Inside, what is compiled can be found again: a cache that keeps whole programs, and not
    their kernels alone, wants to know which sizes are symbols, though here none is."""
    from torch._guards import TracingContext, tracing
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    sizes = ShapeEnv(assume_static_by_default=True)
    with tracing(TracingContext(FakeTensorMode(shape_env=sizes))):
        yield


@contextlib.contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """No warnings of a logger: this one's tells that a CUDA toolkit lies idle, which is no news."""
    chosen = logging.getLogger(logger)
    level = chosen.level
    chosen.setLevel(logging.ERROR)
    try:
        yield
    finally:
        chosen.setLevel(level)
