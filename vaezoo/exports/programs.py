"""Parts as programs of ``torch.export``, for any number of rows."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import fx
from torch.export import Dim, ExportedProgram

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.exports.source import ModelPart

#: What PyTorch records about the code that it traced: paths of this machine and lines of code.
_TRACEBACKS = (
    "stack_trace",
    "nn_module_stack",
    "source_fn_stack",
    "from_node",
    "torch_fn",
    "original_aten",
)
_OPERATOR = re.compile(r"OpOverload\(op='([\w.]+)'|\b(aten[.:]+\w+)")
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_LOGGERS = ("torch", "onnxscript", "onnx_ir")


def program_of(part: ModelPart) -> ExportedProgram:
    """The part as a program, without paths of this machine, example inputs and unused weights.

    Raises RunError (VZ701) for code that cannot be traced.
    """
    shapes = {name: {0: Dim("batch")} for name in part.inputs}
    arguments = tuple(part.inputs.values())
    with quiet(), torch.no_grad():
        try:
            program = torch.export.export(
                part.module, arguments, dynamic_shapes=shapes, strict=True
            )
        except Exception as first:
            # code that the bytecode tracer refuses may still run on symbolic tensors
            try:
                program = torch.export.export(
                    part.module, arguments, dynamic_shapes=shapes, strict=False
                )
            except Exception:
                raise cannot_export(part.name, first) from first
    _strip(program)
    return program


def cannot_export(part: str, error: BaseException) -> RunError:
    """The error for a part that cannot be exported; it names the operator where it is known."""
    message = f"the {part} cannot be exported: {_reason(error)}"
    hint = "choose another format with --to, or replace that operation in the component"
    return RunError(Diagnostic("VZ701", message, hint=hint))


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log lines of libraries, which are about their own code."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [one.level for one in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in loggers:
            one.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.setLevel(level)


def _strip(program: ExportedProgram) -> None:
    for module in program.graph_module.modules():
        if isinstance(module, fx.GraphModule):
            for node in module.graph.nodes:
                for key in _TRACEBACKS:
                    node.meta.pop(key, None)
    signature = program.graph_signature
    used = {*signature.inputs_to_parameters.values(), *signature.inputs_to_buffers.values()}
    for name in set(program.state_dict) - used:  # such as those of the other part
        del program.state_dict[name]
    program._example_inputs = None  # torch.export.save would pickle them


def _reason(error: BaseException) -> str:
    """The operator that failed, or the first line of the message."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or one.__context__
    for cause in reversed(chain):
        if found := _OPERATOR.search(str(cause)):
            operator = (found[1] or found[2]).replace("::", ".")
            return f"the operator {operator} has no counterpart"
    lines = [line.strip() for line in _COLOR.sub("", str(error)).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'without a message'}"
