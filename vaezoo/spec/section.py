"""The base class of a spec's sections."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SpecSection(BaseModel):
    """A mapping of a spec with fixed keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        defer_build=True,
        allow_inf_nan=False,  # a canonical spec is JSON, which has no inf or nan
    )
