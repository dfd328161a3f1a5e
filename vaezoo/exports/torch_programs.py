"""Write programs of ``torch.export``, and run them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from vaezoo.exports.programs import cannot_export, program_of, quiet
from vaezoo.exports.scripts import torch_script
from vaezoo.exports.source import ModelPart, Source, Written

_NO_PICKLE = (
    "The .pt2 files contain raw tensors and JSON, and no pickle. `torch.export.load` would also "
    "read pickled tensors, so open only .pt2 files that you trust."
)


def write(source: Source, folder: Path) -> Written:
    """``encoder.pt2`` and ``decoder.pt2`` with their weights.

    Raises RunError (VZ701) for code that torch.export cannot trace, and for a file that would
    contain a pickle.
    """
    run, files = {}, {}
    for part in source.parts:
        path = folder / f"{part.name}.pt2"
        program = program_of(part)
        with quiet():
            torch.export.save(program, path, extra_files=dict(source.metadata))
        _refuse_pickle(part, path)
        run[part.name] = _Program(path)
        files[path.name] = f"the {part.name}"
    script = torch_script(source)
    return Written(
        run, files, script, f"pip install 'torch>={_version()}'\npython use.py", (_NO_PICKLE,)
    )


def _version() -> str:
    """The version of PyTorch; older ones need not read the file."""
    return torch.__version__.partition("+")[0]


def _refuse_pickle(part: ModelPart, path: Path) -> None:
    pickled = pickles_in(path)
    if pickled:
        error = TypeError(f"torch.export would pickle {', '.join(pickled)}")
        raise cannot_export(part.name, error)


def pickles_in(path: Path) -> list[str]:
    """The names of pickled members and tensors of a .pt2 file."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename
            if name.endswith("_config.json"):
                entries = json.loads(archive.read(name))["config"]
                found += [key for key, entry in entries.items() if entry["use_pickle"]]
            elif name.endswith((".pt", ".pkl")) and member.file_size:
                found.append(name)
    return found


class _Program:
    """Runs a file as a program."""

    def __init__(self, path: Path) -> None:
        with quiet():
            program: ExportedProgram = torch.export.load(path)
            self._module = program.module()

    def __call__(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.no_grad():
            outputs: Mapping[str, Tensor] = self._module(*inputs.values())
        return outputs
