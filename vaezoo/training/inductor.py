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

from vaezoo.files import cache_folder
from vaezoo.training.rewriting import with_fast_products

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

    if inputs[0].device.type == "cpu":
        graph = with_fast_products(graph, inputs)
    # one process: starting helpers costs more than the few kernels of a step take
    with torch.no_grad(), config.patch(compile_threads=1), _quiet("torch.utils.cpp_extension"):
        program: Program = to_program(graph, list(inputs))
        return program


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
