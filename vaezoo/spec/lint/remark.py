"""``Remark``: a lint warning without its position."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.spec.nodes import Path


@dataclass(frozen=True)
class Remark:
    """A warning about the value at ``path`` of a spec."""

    code: str
    message: str
    path: Path
    hint: str
