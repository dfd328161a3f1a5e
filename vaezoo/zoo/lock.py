"""The lock: every version, file and setting that a trained model came from.

It holds no time and no path of this machine: it is part of the weights file, and the same
spec, seed and versions must give the same bytes.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from vaezoo.diagnostics import Diagnostic, PluginError
from vaezoo.registry import KINDS, Component, Plugin, Registered, Registry

if TYPE_CHECKING:
    import torch

    from vaezoo.spec import Spec


def make_lock(
    spec: Spec,
    registry: Registry,
    *,
    device: torch.device | str,
    precision: str,
    dataset_digest: str,
) -> dict[str, Any]:
    """The lock of a run, as JSON data.

    Raises PluginError (VZ301) for a component that the registry does not have.
    """
    import torch

    return {
        "vaezoo": metadata.version("vaezoo"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "torch": str(torch.__version__),
        "device": _describe_device(torch.device(device)),
        "precision": precision,
        "dataset": {"use": spec.dataset.use, "digest": dataset_digest},
        "seed": spec.train.seed,
        "components": _locked_components(spec, registry),
    }


def require_plugins(lock: dict[str, Any], registry: Registry, name: str) -> None:
    """Raise PluginError (VZ304) unless every component that ``lock`` names is registered."""
    missing: dict[str, Diagnostic] = {}
    for component in lock["components"]:
        plugin = component["plugin"]
        try:
            registry.find(component["kind"], f"{plugin}:{component['use']}")
        except PluginError:
            missing.setdefault(plugin, _missing(component, registry, name))
    if missing:
        raise PluginError(*missing.values())


def _describe_device(device: torch.device) -> dict[str, Any]:
    import torch

    if device.type == "cuda":
        return {"type": "cuda", "name": torch.cuda.get_device_name(device)}
    # Not the processor's name: CPUs of one architecture are to give the same file. But the
    # threads: sums over a batch are added up in another order where it is shared among more.
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return {"type": "cpu", "name": platform.machine(), "threads": threads}
    return {"type": device.type, "name": platform.machine()}


def _locked_components(spec: Spec, registry: Registry) -> list[dict[str, Any]]:
    order = list(KINDS)
    used = {(c.kind, c.use): c for c in _components_in(spec)}
    by_kind_and_name = sorted(used, key=lambda key: (order.index(key[0]), key[1]))
    return [_locked(_registered(used[key], registry)) for key in by_kind_and_name]


def _components_in(value: Any) -> Iterator[Component]:
    """Every component in a spec, those inside other components included."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _components_in(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _components_in(item)
    elif isinstance(value, dict):
        yield from _components_in(tuple(value.values()))


def _registered(component: Component, registry: Registry) -> Registered:
    for registered in registry.components(component.kind):
        if registered.component is type(component):
            return registered
    raise PluginError(
        Diagnostic(
            "VZ301",
            f"the {component.kind} {component.use!r} comes from no plugin, "
            "so a model made with it could not be loaded again",
            hint="return its class from a plugin's vaezoo_components hook",
        )
    )


def _locked(registered: Registered) -> dict[str, Any]:
    component, plugin = registered.component, registered.plugin
    file, sha256 = _source(component)
    return {
        "kind": component.kind,
        "use": component.use,
        "plugin": plugin.name,
        "version": plugin.version,
        "distribution": _distribution(plugin),
        "file": file,
        "sha256": sha256,
    }


def _source(component: type[Component]) -> tuple[str | None, str | None]:
    """The source file, relative to where its package lies, and the SHA-256 of its content."""
    name = component.__module__
    location = getattr(sys.modules.get(name), "__file__", None)
    if location is None or not Path(location).is_file():
        return None, None
    path = Path(location)
    depth = len(name.split(".")) + (path.stem == "__init__")
    return "/".join(path.parts[-depth:]), hashlib.sha256(path.read_bytes()).hexdigest()


def _distribution(plugin: Plugin) -> str | None:
    """What to install for the plugin; None for one that was given as a file or module."""
    for entry_point in metadata.entry_points(group="vaezoo", name=plugin.name):
        if entry_point.dist and entry_point.dist.version == plugin.version:
            return entry_point.dist.name
    return None


def _missing(component: dict[str, Any], registry: Registry, name: str) -> Diagnostic:
    plugin, version = component["plugin"], component["version"]
    what = f"the {component['kind']} {component['use']!r} of the plugin {plugin} {version}"
    here = next((p for p in registry.plugins if p.name == plugin), None)
    state = "which is not installed"
    if here is not None:
        state = f"but {plugin} {here.version} does not have it"
        if here.error:
            state = f"but {plugin} {here.version} cannot be loaded: {here.error}"
    if component["distribution"]:
        hint = f"pip install '{component['distribution']}=={version}'"
    elif version == "file":
        hint = f"give its file: vaezoo --plugin {component['file']} …"
    else:
        hint = f"install the module that it comes from and give it: vaezoo --plugin {plugin} …"
    return Diagnostic("VZ304", f"{name} needs {what}, {state}", hint=hint)
