"""The lock: the versions, files and settings that trained a model.

It contains no times and no local paths: it is part of the weights file, and the same spec, seed and
versions must give the same bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import Diagnostic, PluginError, Severity, warn
from vaezoo.registry import KINDS, Component, ImageShape, Plugin, Registered, Registry
from vaezoo.registry.component import components_in
from vaezoo.registry.stand_in import NOT_IN_MODEL, stand_in
from vaezoo.spec.conditioning import condition_of

if TYPE_CHECKING:
    import torch

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec

#: Kinds that use a trained model but do not affect training.
_AFTER_TRAINING = frozenset({"sampler", "metric", "visualizer"})
#: Kinds that every lock has, including the oldest.
_IN_EVERY_TRAINING = frozenset(
    {"dataset", "encoder", "decoder", "likelihood", "prior", "loss", "optimizer"}
)
_IN_EVERY_LOCK = _IN_EVERY_TRAINING | {"metric", "visualizer"}


def make_lock(
    spec: Spec,
    registry: Registry,
    *,
    device: torch.device | str,
    precision: str,
    dataset_digest: str,
) -> dict[str, Any]:
    """The lock of a run, as JSON data.

    Raises PluginError (VZ301) for an unregistered component.
    """
    import torch

    used = _used(spec, registry)
    return {
        "vaezoo": metadata.version("vaezoo"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "torch": str(torch.__version__),
        "device": _describe_device(torch.device(device)),
        "precision": precision,
        "dataset": {
            "use": spec.dataset.use,
            "digest": dataset_digest,
            "shape": list(spec.dataset.image_shape),
            **_classes(spec),
        },
        "seed": spec.train.seed,
        "components": [_locked(registered) for registered in used],
        "plugins": _locked_plugins(used),
    }


def _classes(spec: Spec) -> dict[str, Any]:
    """The class names of a conditional model, which is then built without its data."""
    condition = condition_of(spec)
    return {"classes": list(condition.names)} if condition else {}


def sampler_in_lock(model: VAE) -> dict[str, str]:
    """What the lock says of a trained model's sampler: its name if its tensors are stored."""
    return {} if model.sampler is None else {"sampler": model.samplers[0]}


def with_check(lock: dict[str, Any], spec: Spec, registry: Registry) -> dict[str, Any]:
    """The lock with the current code as the code that recomputed all figures.

    ``components`` and ``plugins`` remain those that trained the model. Raises PluginError (VZ301).
    """
    import torch

    used = _used(spec, registry)
    checked = {
        "vaezoo": metadata.version("vaezoo"),
        "torch": str(torch.__version__),
        "components": [_locked(registered) for registered in used],
        "plugins": _locked_plugins(used),
    }
    return {**lock, "checked": checked}


def last_checked(lock: dict[str, Any]) -> dict[str, Any]:
    """``components`` and ``plugins`` of the code that last computed the recorded figures."""
    found: dict[str, Any] = lock.get("checked", lock)
    return found


def require_plugins(lock: dict[str, Any], registry: Registry, name: str) -> None:
    """Raise PluginError (VZ304) unless all components in ``lock`` are registered."""
    _require(missing_components(lock, registry), registry, name)


def missing_components(lock: dict[str, Any], registry: Registry) -> list[dict[str, Any]]:
    """The rows of the lock's components that are not registered."""
    return [row for row in last_checked(lock)["components"] if not _is_registered(row, registry)]


def _is_registered(row: dict[str, Any], registry: Registry) -> bool:
    try:
        registry.find(row["kind"], f"{row['plugin']}:{row['use']}")
    except PluginError:
        return False
    return True


def _require(missing: Sequence[dict[str, Any]], registry: Registry, name: str) -> None:
    """Raise PluginError (VZ304) with a finding for each plugin of the missing components."""
    findings = _by_plugin(missing, registry, name)
    if findings:
        raise PluginError(*findings)


def missing_plugins(lock: dict[str, Any], registry: Registry, name: str) -> list[Diagnostic]:
    """A finding (VZ304) for each plugin that an entry needs and that is not installed."""
    return _by_plugin(missing_components(lock, registry), registry, name)


def _by_plugin(
    missing: Sequence[dict[str, Any]], registry: Registry, name: str
) -> list[Diagnostic]:
    findings: dict[str, Diagnostic] = {}
    for row in missing:
        findings.setdefault(row["plugin"], _missing(row, registry, name))
    return list(findings.values())


def with_stand_ins(lock: dict[str, Any], registry: Registry, name: str) -> Registry:
    """The registry with stand-ins for missing components that only trained or evaluated the model.

    Warns (VZ304) of them. Raises PluginError (VZ304) for missing components of the model.
    """
    missing = missing_components(lock, registry)
    shape = lock["dataset"].get("shape")  # older entries lack it
    needed = [
        row
        for row in missing
        if row["kind"] not in NOT_IN_MODEL or (row["kind"] == "dataset" and shape is None)
    ]
    _require(needed, registry, name)
    made: dict[tuple[str, str], Registered] = {}
    for row in missing:
        why = _missing(row, registry, name)
        image = ImageShape(*shape) if shape else None
        component = stand_in(row["kind"], row["use"], why, image)
        made[row["kind"], row["use"]] = Registered(
            component, Plugin(row["plugin"], row["version"], origin="")
        )
    if missing:
        listed = ", ".join(f"the {row['kind']} {row['use']!r}" for row in missing)
        warn(
            Diagnostic(
                "VZ304",
                f"{name} was made with {listed}, which "
                f"{'is' if len(missing) == 1 else 'are'} not installed: it can be loaded and "
                "sampled, but not evaluated",
                hint=_missing(missing[0], registry, name).hint,
                severity=Severity.WARNING,
            )
        )
    return registry.with_stand_ins(made)


def contradictions(lock: dict[str, Any], spec: Spec, registry: Registry) -> list[str]:
    """The contradictions between a lock and its spec, as text."""
    dataset, seed = lock["dataset"]["use"], lock["seed"]
    found = []
    if dataset != spec.dataset.use:
        found.append(f"the lock has the dataset {dataset}, the spec {spec.dataset.use}")
    if seed != spec.train.seed:
        found.append(f"the lock has the seed {seed}, the spec {spec.train.seed}")
    locked = _named(last_checked(lock)["components"])
    used = {f"{row.component.kind} {row.qualified}" for row in _used(spec, registry)}
    found += [f"the lock has the {name}, the spec does not" for name in sorted(locked - used)]
    # kinds missing from a lock were introduced after it was written
    known = _IN_EVERY_LOCK.union(row["kind"] for row in last_checked(lock)["components"])
    missing = {name for name in used - locked if name.partition(" ")[0] in known}
    found += [f"the spec has the {name}, the lock does not" for name in sorted(missing)]
    kinds = _IN_EVERY_TRAINING.union(row["kind"] for row in lock["components"]) - _AFTER_TRAINING
    trained, now = (
        _named(row for row in rows["components"] if row["kind"] in kinds)
        for rows in (lock, last_checked(lock))
    )
    found += [f"the {name} did not train the model" for name in sorted(now - trained)]
    found += [f"the {name} only trained the model" for name in sorted(trained - now)]
    return found


def _named(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {f"{row['kind']} {row['plugin']}:{row['use']}" for row in rows}


def plugins_of(lock: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The plugin of each component, by kind and name."""
    rows = last_checked(lock)["components"]
    return {(row["kind"], row["use"]): row["plugin"] for row in rows}


def _describe_device(device: torch.device) -> dict[str, Any]:
    import torch

    if device.type == "cuda":
        return {"type": "cuda", "name": torch.cuda.get_device_name(device)}
    # Not the CPU model: all CPUs of one architecture must give the same file. But the number of
    # threads, since it changes the order of sums over a batch.
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return {"type": "cpu", "name": platform.machine(), "threads": threads}
    return {"type": device.type, "name": platform.machine()}


def _used(spec: Spec, registry: Registry) -> list[Registered]:
    """The components of a spec, sorted by kind, name and plugin."""
    order = list(KINDS)
    classes = {type(component): component for component in components_in(spec)}
    used = [_registered(component, registry) for component in classes.values()]
    return sorted(used, key=lambda r: (order.index(r.component.kind), r.component.use, r.qualified))


def _registered(component: Component, registry: Registry) -> Registered:
    registered = registry.supplier(type(component))
    if registered:
        return registered
    raise PluginError(
        Diagnostic(
            "VZ301",
            f"the {type(component).kind} {component.use!r} comes from no plugin, "
            "so a model made with it could not be loaded again",
            hint="return its class from a plugin's vaezoo_components hook",
        )
    )


def _locked(registered: Registered) -> dict[str, Any]:
    component, plugin = registered.component, registered.plugin
    file, sha256 = source_of(component)
    return {
        "kind": component.kind,
        "use": component.use,
        "plugin": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "file": file,
        "sha256": sha256,
    }


def _locked_plugins(used: list[Registered]) -> list[dict[str, Any]]:
    """The plugins that supplied components, by name."""
    components: dict[Plugin, list[type[Component]]] = {}
    for registered in used:
        components.setdefault(registered.plugin, []).append(registered.component)
    return [
        {
            "name": plugin.name,
            "version": plugin.version,
            "distribution": plugin.distribution,
            # vaezoo is tracked by the file of each component: most of it affects none
            "sha256": None if plugin.is_built_in else code_digest(components[plugin]),
        }
        for plugin in sorted(components, key=lambda plugin: plugin.name)
    ]


def source_of(component: type[Component]) -> tuple[str | None, str | None]:
    """The source file, relative to its package's parent folder, and its SHA-256."""
    name = component.__module__
    location = getattr(sys.modules.get(name), "__file__", None)
    if location is None or not Path(location).is_file():
        return None, None
    path = Path(location)
    depth = len(name.split(".")) + (path.stem == "__init__")
    return "/".join(path.parts[-depth:]), hashlib.sha256(path.read_bytes()).hexdigest()


def code_digest(components: Iterable[type[Component]]) -> str | None:
    """SHA-256 over names and contents of all ``.py`` files in the components' packages."""
    digest = hashlib.sha256()
    files = sorted(set(itertools.chain.from_iterable(map(_package_files, components))))
    for name, path in files:
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest() if files else None


def _package_files(component: type[Component]) -> Iterator[tuple[str, Path]]:
    """The files of a component's top-level package or module, with relative names."""
    top = sys.modules.get(component.__module__.partition(".")[0])
    folders = list(getattr(top, "__path__", ()))
    for folder in map(Path, folders):
        yield from ((p.relative_to(folder.parent).as_posix(), p) for p in folder.rglob("*.py"))
    location = getattr(top, "__file__", None)
    if not folders and location and Path(location).is_file():
        yield Path(location).name, Path(location)


def _missing(component: dict[str, Any], registry: Registry, name: str) -> Diagnostic:
    plugin, version = component["plugin"], component["version"]
    what = f"the {component['kind']} {component['use']!r} of the plugin {plugin} {version}"
    installed = next((p for p in registry.plugins if p.name == plugin), None)
    state = "which is not installed"
    if installed is not None:
        state = f"but {plugin} {installed.version} does not have it"
        if installed.off:
            state = "which is disabled"
        elif installed.error:
            state = f"but {plugin} {installed.version} cannot be loaded: {installed.error}"
    if component["distribution"]:
        hint = f"pip install '{component['distribution']}=={version}'"
    elif version == "file":
        file = component["file"]
        hint = f"load its file: vaezoo --plugin {file} …, or in Python load(…, plugins=[{file!r}])"
    else:
        hint = f"install its module and load it: vaezoo --plugin {plugin} …"
    return Diagnostic("VZ304", f"{name} needs {what}, {state}", hint=hint)
