"""A small spec on a small dataset, and the registry that it needs."""

from __future__ import annotations

import types
from typing import Any

from tests.runs.blobs_plugin import Blobs
from vaezoo.registry import Plugin, Registry, discover, hookimpl, new_registry
from vaezoo.spec import Spec, from_data


def registry_with(*components: type) -> Registry:
    """The installed plugins, and one plugin with ``components``."""
    registry = new_registry()
    module: Any = types.ModuleType("tests_plugin")
    module.vaezoo_components = hookimpl(lambda: list(components), specname="vaezoo_components")
    registry.add(Plugin("tests", "1", __file__), module)
    return registry


def built_in(kind: str, use: str, **fields: Any) -> Any:
    """A component of an installed plugin."""
    return discover().find(kind, use).component(**fields)


def spec_data(**changes: Any) -> dict[str, Any]:
    """The data of a spec that trains in under a second; ``train`` and ``model`` are merged."""
    data: dict[str, Any] = {
        "vaezoo": 1,
        "name": "small",
        "dataset": "blobs",
        "model": {
            "latent": 2,
            "encoder": {"use": "mlp", "hidden": [8]},
            "decoder": {"use": "mlp", "hidden": [8]},
        },
        "train": {"epochs": 3, "batch_size": 16, "validation": 0.25},
        "visualizers": [],
    }
    for key, value in changes.items():
        data[key] = {**data[key], **value} if key in ("train", "model") else value
    return data


def small_spec(**changes: Any) -> Spec:
    return from_data(spec_data(**changes), registry_with(Blobs))
