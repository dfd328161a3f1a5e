"""``Remark``: what a lint has to say, before it has a place in a text."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.spec.nodes import Path


@dataclass(frozen=True)
class Remark:
    """A doubt about the value at ``path`` of a spec."""

    code: str
    message: str
    path: Path
    hint: str
