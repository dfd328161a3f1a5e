"""Binarization as data: ``dynamic``, or ``{use: static, seed: 3}``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: limits on a chunk of images to draw: their number, and their bytes as float32
_PART, _PART_BYTES = 10_000, 32 * 2**20


class Binarization(BaseModel):
    """Draw binary pixels with the gray levels in [0, 1] as probabilities of white.

    ``static`` draws every image once. ``dynamic`` draws the training images each time they are
    used, which prevents memorizing them (Salakhutdinov and Murray 2008); held-out images are
    drawn once, so that figures on them do not change. ``none`` keeps the gray levels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    use: Literal["none", "static", "dynamic"] = Field("none", description="when to draw pixels")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of draws that are made once")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Allow a name alone, which pydantic cannot see in ``_from_name``."""
        mapping = handler.resolve_ref_schema(handler(schema))
        names = mapping["properties"]["use"]["enum"]
        return {
            "type": ["string", "object"],
            "examples": names,
            "if": {"type": "string"},
            "then": {"enum": names},
            "else": mapping,
        }

    def __str__(self) -> str:
        """Its name in a figure's protocol."""
        if self.use == "none":
            return "none, pixels as stored in [0, 1]"
        return f"{self.use}, held-out images drawn once with seed {self.seed}"

    def drawn_once(self, images: Tensor, purpose: Literal["train", "test", "validation"]) -> Tensor:
        """Binary uint8 images (N, C, H, W) of 0 and 255, determined by seed and purpose.

        Drawn on the CPU, so that the result does not depend on the device. Binary images stay
        unchanged.
        """
        return draw(images.cpu(), self.generator(purpose)).to(images.device)

    def generator(self, purpose: Literal["train", "test", "validation"]) -> torch.Generator:
        """The CPU generator of the draws that are made once."""
        import torch

        # one stream per purpose; do not change the map, or draws change
        stream = self.seed * 4 + {"train": 0, "test": 1, "validation": 2}[purpose]
        return torch.Generator().manual_seed(stream % 2**63)


def part_of(shape: Sequence[int]) -> int:
    """The number of images (C, H, W) to draw at once; on a GPU the draws depend on it."""
    return max(min(_PART, _PART_BYTES // (4 * math.prod(shape))), 1)


def draw(images: Tensor, generator: torch.Generator) -> Tensor:
    """Binary uint8 images of 0 and 255, each pixel white with its gray level as probability."""
    import torch

    parts = []
    for part in images.split(part_of(images.shape[1:])):
        probabilities = part.to(torch.float32).div_(255)
        drawn = torch.bernoulli(probabilities, generator=generator)
        parts.append(drawn.mul_(255).to(torch.uint8))
    return torch.cat(parts)


#: Gray levels unchanged.
AS_STORED = Binarization()
