"""What the module of a format receives, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vaezoo.explorer.model_graphs import DecoderPart
from vaezoo.model import VAE
from vaezoo.model.condition import labels_in_turn

#: Runs a written part: its inputs by name -> its outputs by name, on the CPU.
Run = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
#: Rows of the example inputs. A program for any number of rows does not depend on it.
_ROWS = 5
ENCODER, DECODER = "encoder", "decoder"


class EncoderPart(nn.Module):
    """An image [and its label] -> the parameters of q(z|x) by name."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """image (B, C, H, W) in [0, 1], label int64 (B,) -> tensors (B, …)."""
        return dict(self.model.posterior(image, label).parameters())


@dataclass(frozen=True)
class ModelPart:
    """The encoder or the decoder as a module; ``inputs`` and ``outputs`` are examples, by name."""

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclass(frozen=True)
class Source:
    """A model to export: on the CPU, in evaluation mode.

    ``metadata`` are texts to store in each file.
    """

    name: str
    model: VAE
    parts: tuple[ModelPart, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """What was written: a function that runs each part from its file, and texts for users.

    ``script`` is a short program that uses the files, empty if one of them does. ``use`` are the
    commands that use them, and ``interface`` is how to call the files if not by the inputs and
    outputs of the parts.
    """

    run: Mapping[str, Run]
    files: Mapping[str, str]
    script: str
    use: str
    notes: tuple[str, ...] = ()
    interface: str = ""


@torch.no_grad()
def parts_of(model: VAE) -> tuple[ModelPart, ModelPart]:
    """The encoder and the decoder of a model, with examples of their inputs and outputs."""
    labels = {}
    if model.condition is not None:
        labels = {"label": labels_in_turn(model.condition, _ROWS, model.device)}
    image = torch.rand(_ROWS, *model.image_shape, generator=torch.Generator().manual_seed(0))
    z = model.draw(_ROWS, torch.Generator().manual_seed(0), labels.get("label"))
    return (
        _part(ENCODER, EncoderPart(model), {"image": image, **labels}),
        # draws are inference tensors, which torch.export does not take
        _part(DECODER, DecoderPart(model), {"z": z.clone(), **labels}),
    )


def _part(name: str, module: nn.Module, inputs: Mapping[str, Tensor]) -> ModelPart:
    return ModelPart(name, module.eval(), inputs, module(*inputs.values()))
