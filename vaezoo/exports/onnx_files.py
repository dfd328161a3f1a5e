"""Write ONNX files, and run them with ONNX Runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaezoo.exports.programs import cannot_export, program_of, quiet
from vaezoo.exports.scripts import onnx_script
from vaezoo.exports.source import ModelPart, Source, Written

#: Log level of ONNX Runtime: errors only.
_ERRORS = 3


def write(source: Source, folder: Path) -> Written:
    """``encoder.onnx`` and ``decoder.onnx`` with their weights.

    Raises RunError (VZ701) for an operator that ONNX does not have.
    """
    run, files = {}, {}
    for part in source.parts:
        path = folder / f"{part.name}.onnx"
        path.write_bytes(_encoded(part, source))
        run[part.name] = _RuntimeSession(path, part)
        files[path.name] = f"the {part.name}"
    return Written(run, files, onnx_script(source), "pip install onnxruntime numpy\npython use.py")


def _encoded(part: ModelPart, source: Source) -> bytes:
    import onnx

    program = program_of(part)
    with quiet(), torch.no_grad():
        try:
            converted: Any = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=list(part.inputs),
                output_names=list(part.outputs),
            )
            model = converted.model_proto
            _clear(model)
            _name_batch(model.graph)
            model.producer_name, model.producer_version = "vaezoo", metadata.version("vaezoo")
            model.doc_string = f"The {part.name} of {source.name}, a variational autoencoder."
            onnx.helper.set_model_props(model, dict(source.metadata))
            onnx.checker.check_model(model)
            encoded: bytes = model.SerializeToString(deterministic=True)
        except Exception as error:
            raise cannot_export(part.name, error) from error
    return encoded


def _clear(message: Any) -> None:
    """Remove what the converter notes about the code: paths of this machine and lines of code."""
    for field, value in message.ListFields():
        if field.name in ("metadata_props", "doc_string"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for one in value if hasattr(value, "append") or hasattr(value, "add") else [value]:
                _clear(one)


def _name_batch(graph: Any) -> None:
    """Call the number of rows ``batch`` instead of the symbol that torch.export chose."""
    symbol = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    pattern = re.compile(rf"\b{re.escape(symbol)}\b")
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_param = pattern.sub("batch", dimension.dim_param)


class _RuntimeSession:
    """Runs a file with ONNX Runtime."""

    def __init__(self, path: Path, part: ModelPart) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._outputs = list(part.outputs)

    def __call__(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        given = {name: value.numpy() for name, value in inputs.items()}
        values = self._session.run(self._outputs, given)
        return {n: torch.from_numpy(v) for n, v in zip(self._outputs, values, strict=True)}
