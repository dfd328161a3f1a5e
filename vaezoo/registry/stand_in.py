"""Stand-ins for components that are not installed and that a trained model does not need.

An entry trained by a foreign optimizer or loss can be loaded and sampled without it.
"""

from __future__ import annotations

import types
from typing import Any, NoReturn

from pydantic import ConfigDict

from vaezoo.diagnostics import Diagnostic, PluginError
from vaezoo.registry.component import Component
from vaezoo.registry.component_kinds import KINDS
from vaezoo.registry.contracts import ImageShape

#: Kinds of components that are not part of a trained model.
NOT_IN_MODEL = frozenset({"dataset", "loss", "optimizer", "metric", "visualizer"})


class StandIn:
    """Marks a stand-in. It keeps its parameters; what it should do raises PluginError (VZ304)."""


def stand_in(kind: str, use: str, why: Diagnostic, image: ImageShape | None) -> type[Component]:
    """A class for a missing component of a kind in ``NOT_IN_MODEL``.

    ``image`` is the image shape of a dataset.
    """
    base: Any = KINDS[kind]

    def refuse(self: Component, *args: object, **options: object) -> NoReturn:
        raise PluginError(why)

    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = __name__
        namespace["model_config"] = ConfigDict(extra="allow")
        namespace |= dict.fromkeys(base.__abstractmethods__, refuse)
        if kind == "dataset":
            namespace["image_shape"] = property(lambda self: image)
            namespace["problem"] = lambda self: why.message

    made: type[Component] = types.new_class("Missing", (StandIn, base), {"use": use}, fill)
    return made
