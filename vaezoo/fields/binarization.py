"""Binarisation as data: ``dynamic``, or ``{use: static, seed: 3}``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


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

    def __str__(self) -> str:
        """How a figure's protocol names it."""
        if self.use == "none":
            return "none, pixels as stored in [0, 1]"
        return f"{self.use}, held-out images drawn once with seed {self.seed}"


#: Grey levels as they are.
AS_STORED = Binarization()
