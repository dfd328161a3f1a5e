"""What every command is given: the registry, found when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaezoo.registry import Registry


@dataclass
class Context:
    """The options that stand before the command."""

    debug: bool = False
    plugins: tuple[str, ...] = ()

    @cached_property
    def registry(self) -> Registry:
        from vaezoo.registry import discover

        return discover(self.plugins)
