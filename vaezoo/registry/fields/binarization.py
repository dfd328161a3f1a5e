"""Binarisation as data: ``dynamic``, or ``{use: static, seed: 3}``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: images to draw at once, and float32 bytes of them
_PART, _PART_BYTES = 10_000, 32 * 2**20


class Binarization(BaseModel):
    """Whether grey levels in [0, 1] are taken as the chances of white pixels, and drawn.

    ``static`` draws every image once, and so makes one binary dataset of it. ``dynamic`` draws
    the training images anew each time they are seen, which no model can learn by heart
    (Salakhutdinov and Murray 2008); images that are held out are drawn once, so that figures on
    them do not change between evaluations. ``none`` leaves the grey levels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    use: Literal["none", "static", "dynamic"] = Field("none", description="when pixels are drawn")
    seed: int = Field(0, ge=0, lt=2**63, description="decides the draws that are made once")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A name alone will do, of which pydantic sees nothing in ``_from_name``."""
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
        """How a figure's protocol names it."""
        if self.use == "none":
            return "none, pixels as stored in [0, 1]"
        return f"{self.use}, held-out images drawn once with seed {self.seed}"

    def drawn_once(self, images: Tensor, purpose: Literal["train", "test", "validation"]) -> Tensor:
        """uint8 images (N, C, H, W) of 0 and 255, the same for the same seed and purpose.

        Drawn on the CPU, so that it does not depend on the device. Images that are binary
        already stay as they are.
        """
        return draw(images.cpu(), self.generator(purpose)).to(images.device)

    def generator(self, purpose: Literal["train", "test", "validation"]) -> torch.Generator:
        """What decides the draws that are made once, on the CPU."""
        import torch

        # another stream for each purpose; a fixed map, so that draws stay what they were
        stream = self.seed * 4 + {"train": 0, "test": 1, "validation": 2}[purpose]
        return torch.Generator().manual_seed(stream % 2**63)


def part_of(shape: Sequence[int]) -> int:
    """How many images (C, H, W) are drawn at once: on a GPU, other parts are other draws."""
    return max(min(_PART, _PART_BYTES // (4 * math.prod(shape))), 1)


def draw(images: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 images of 0 and 255 from grey ones, each pixel white with its level as the chance."""
    import torch

    parts = []
    for part in images.split(part_of(images.shape[1:])):
        chances = part.to(torch.float32).div_(255)
        parts.append(torch.bernoulli(chances, generator=generator).mul_(255).to(torch.uint8))
    return torch.cat(parts)


#: Grey levels as they are.
AS_STORED = Binarization()
