"""The formats of ``vaezoo export``: a row of ``TARGETS`` and a module with one function each.

The module's ``write(source, folder)`` writes the files of a ``Source`` to an empty folder and
returns ``Written``. It raises RunError (VZ701) for a model that the format cannot hold.

Nothing here imports torch, since ``vaezoo export --help`` lists the formats.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest

if TYPE_CHECKING:
    from vaezoo.exports.source import Source, Written

    Write = Callable[[Source, Path], Written]


#: Default limit of a difference, for values up to 1; that of larger values grows with them.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ExportTarget:
    """A format: what it writes, its module, and the packages that it needs besides vaezoo's.

    ``extra`` is the extra of vaezoo that installs them. ``tolerance`` is the default limit of a
    difference from the model.
    """

    summary: str
    module: str
    packages: tuple[str, ...] = ()
    extra: str = "export"
    tolerance: float = TOLERANCE


TARGETS: dict[str, ExportTarget] = {
    "onnx": ExportTarget(
        "ONNX files, for ONNX Runtime in many languages",
        "vaezoo.exports.onnx_files",
        packages=("onnx", "onnxruntime", "onnxscript"),
    ),
    "torch": ExportTarget(
        "programs of torch.export, which run without the code of vaezoo and its plugins",
        "vaezoo.exports.torch_programs",
    ),
    "javascript": ExportTarget(
        "plain JavaScript with weights in float16, for pages and node",
        "vaezoo.exports.javascript_files",
        tolerance=2e-3,
    ),
    "diffusers": ExportTarget(
        "the layout of AutoencoderKL, which no family has so far", "vaezoo.exports.diffusers_layout"
    ),
}


def require_target(name: str) -> ExportTarget:
    """The format of that name. Raises UsageError (VZ504) for an unknown one, ZooError (VZ503) if a
    package is missing, with the command that installs it."""
    if name not in TARGETS:
        hint = suggest(name, tuple(TARGETS), "formats")
        raise UsageError(Diagnostic("VZ504", f"there is no format {name!r}", hint=hint))
    target = TARGETS[name]
    missing = [one for one in target.packages if importlib.util.find_spec(one) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        message = f"cannot export to {name}: {', '.join(missing)} {verb} not installed"
        raise ZooError(Diagnostic("VZ503", message, hint=f"pip install 'vaezoo[{target.extra}]'"))
    return target


def writer(target: ExportTarget) -> Write:
    """The function that writes a format. Its module is imported here."""
    write: Write = importlib.import_module(target.module).write
    return write
