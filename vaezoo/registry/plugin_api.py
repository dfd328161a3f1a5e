"""The version of the plugin API, and what reveals a plugin of an older one."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

#: Rises when an existing plugin could break.
API = 2
GUIDE = "docs/plugins.md, 'From API 1 to 2', shows how to change it"

#: the parameters of ``build`` by kind: those of API 1, which had one vector of latents, and now
_BUILD = {
    "encoder": ("image, latent", "image, output"),
    "decoder": ("latent, output", "latents, output"),
    "prior": ("latent", "space"),
}


def declared(module: ModuleType | object) -> int | None:
    """The version that a plugin says it is written for; None if it says nothing.

    Raises ValueError if it is not the present one.
    """
    api: Any = getattr(module, "vaezoo_api", None)
    if api == 1:
        raise ValueError(
            f"it is written for plugin API 1, but this vaezoo has {API}: encoders, decoders and "
            f"priors are built for shapes, and losses take a batch; {GUIDE}"
        )
    if api not in (None, API):
        raise ValueError(f"it needs plugin API {api!r}, but this vaezoo has {API}")
    return API if api == API else None


def refuse_outdated(component: type) -> None:
    """Raise TypeError for a component whose own ``build`` has the parameters of API 1."""
    kind: str = getattr(component, "kind", "")
    build = vars(component).get("build")
    if kind not in _BUILD or not inspect.isfunction(build):
        return
    before, now = _BUILD[kind]
    if list(inspect.signature(build).parameters)[1:] == before.split(", "):
        raise TypeError(
            f"{component.__qualname__}.build({before}) is of plugin API 1; this vaezoo has "
            f"{API}, where it is build({now}); {GUIDE}"
        )
