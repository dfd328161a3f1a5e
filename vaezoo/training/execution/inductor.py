"""Compile a captured graph with TorchInductor, PyTorch's compiler."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.fx import GraphModule

from vaezoo.diagnostics import Diagnostic, Severity, warn
from vaezoo.system.files import cache_folder
from vaezoo.system.regular_file import irregular_in, kind_of
from vaezoo.training.execution.graph_rewrites import with_fast_products

#: The environment variable of Inductor's cache folder.
_CACHE = "TORCHINDUCTOR_CACHE_DIR"

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
    _choose_cache()
    from torch._inductor import compile as inductor_compile
    from torch._inductor import config

    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        # one process: a step has few kernels, and starting workers takes longer than they do
        stack.enter_context(config.patch(compile_threads=1))
        stack.enter_context(_warnings_off("torch.utils.cpp_extension"))
        if inputs[0].device.type == "cpu":
            graph = with_fast_products(graph, inputs)
            inputs = stack.enter_context(_cacheable(inputs))
        program: Program = inductor_compile(graph, list(inputs))
        return program


def _choose_cache() -> None:
    """Set Inductor's cache folder: the user's choice, or one in vaezoo's cache folder.

    Or a temporary one, with a warning, if that cannot be used.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    chosen = os.environ.get(_CACHE)
    if chosen in (None, default_cache_dir()):  # tracing has set this default by now
        chosen = str(cache_folder() / "compiled")
    problem = _problem(Path(chosen))
    if problem:
        message = f"the cache of compiled programs is not used: {problem}"
        hint = f"until this is mended, each run compiles again; deleting {chosen} does no harm"
        warn(Diagnostic("VZ608", message, hint=hint, severity=Severity.WARNING))
        chosen = tempfile.mkdtemp(prefix="vaezoo-compiled-")
        atexit.register(shutil.rmtree, chosen, ignore_errors=True)
    os.environ[_CACHE] = chosen


def _problem(cache: Path) -> str | None:
    """Why a folder cannot be used. Inductor opens what is there, and waits for ever for a FIFO."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{error.filename} cannot be made: {error.strerror}"
    if not os.access(cache, os.W_OK):
        return f"{cache} cannot be written"
    return next((f"{path} is {kind_of(mode)}" for path, mode in irregular_in(cache)), None)


@contextlib.contextmanager
def _cacheable(inputs: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Fake inputs of fixed shapes, and let Inductor cache whole graphs, not only kernels.

    Its graph cache reads a shape environment from the tracing context. That environment would
    make a symbol of every length, were the inputs not fake already.
    """
    from torch._guards import TracingContext, tracing
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    mode = FakeTensorMode(shape_env=ShapeEnv())
    with tracing(TracingContext(mode)):
        yield [mode.from_tensor(tensor, static_shapes=True) for tensor in inputs]


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
