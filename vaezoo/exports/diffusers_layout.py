"""``--to diffusers``: say which models would fit, and refuse the others.

``diffusers.AutoencoderKL`` is one network, not a format for any network: its weights have a place
only in its own layers.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.exports.source import Source

_LAYOUT = (
    "an AutoencoderKL has residual blocks of GroupNorm (ε = 1e-6), SiLU and 3×3 convolutions "
    "between conv_in and conv_out, a grid of latents [channels, height, width] with mean and "
    "log σ² from one convolution (quant_conv), and an output in [−1, 1] without a map"
)


def write(source: Source, folder: Path) -> NoReturn:
    """Raises RunError (VZ701): no family of vaezoo has the layers of an AutoencoderKL."""
    space = source.model.space
    if len(space.shape) != 3:
        problem = f"its latents are {space}, not a grid of channels, height and width"
    elif space.levels is not None:
        problem = "its latents are codes"
    else:
        problem = "its encoder and decoder do not have the layers of an AutoencoderKL"
    raise RunError(
        Diagnostic(
            "VZ701",
            f"{source.name} cannot become an AutoencoderKL of diffusers: {problem} ({_LAYOUT})",
            hint="use --to onnx or --to torch, which take any layers",
        )
    )
