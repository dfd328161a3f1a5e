"""Compile a captured graph with TorchInductor, PyTorch's compiler."""

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


def missing_compiler(device: torch.device) -> str | None:
    """What this machine lacks to compile for a device; None where nothing seems to be missing."""
    if device.type == "cpu":
        configured = os.environ.get("CXX")
        names = [configured] if configured else ["g++", "clang++", "c++", "cl"]
        if not any(shutil.which(name) for name in names):
            return "no C++ compiler found"
        return None
    if device.type == "cuda":
        return None if find_spec("triton") else "triton is not installed"
    return f"PyTorch does not compile for {device.type}"


def compile_graph(graph: GraphModule, inputs: Sequence[Tensor]) -> Program:
    """The graph compiled for inputs of these shapes; raises whatever the compiler raises.

    Compiled programs are cached in vaezoo's cache folder.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
    from torch._inductor import compile as inductor_compile
    from torch._inductor import config

    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        # one process: a step has few kernels, and starting workers takes longer than they do
        stack.enter_context(config.patch(compile_threads=1))
        stack.enter_context(_warnings_off("torch.utils.cpp_extension"))
        if inputs[0].device.type == "cpu":
            graph = with_fast_products(graph, inputs)
            stack.enter_context(_cacheable())
        program: Program = inductor_compile(graph, list(inputs))
        return program


@contextlib.contextmanager
def _cacheable() -> Iterator[None]:
    """Let Inductor cache whole graphs, not only kernels.

    Its graph cache reads a shape environment from the tracing context, even without symbolic
    shapes.
    """
    from torch._guards import TracingContext, tracing
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    shapes = ShapeEnv(assume_static_by_default=True)
    with tracing(TracingContext(FakeTensorMode(shape_env=shapes))):
        yield


@contextlib.contextmanager
def _warnings_off(name: str) -> Iterator[None]:
    """Silence a logger's warnings: this one warns of a CUDA toolkit that is not used."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
