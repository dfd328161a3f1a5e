"""Run in a fresh Python by ``import_cost``: imports a plugin and prints what that took."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from types import ModuleType
from typing import Any

import click

import vaezoo.components
from vaezoo.registry import (
    Component,
    Dataset,
    Decoder,
    Encoder,
    ImageShape,
    Loss,
    discover,
)

__all__ = ["click", "discover"]  # imported beforehand: every command of vaezoo has them

HEAVY = ("torch", "torchvision", "numpy", "matplotlib")


def main(reference: str, component: str, parameters: str) -> None:
    """Print one line of JSON: CPU seconds, the heavy libraries that came in, the hooks."""
    vaezoo.components.vaezoo_components()
    began = time.process_time()
    module = load(reference)
    hooks = [name for name, value in vars(module).items() if hasattr(value, "vaezoo_impl")]
    for name in {"vaezoo_components", "vaezoo_commands"} & set(hooks):
        getattr(module, name)()
    seconds = time.process_time() - began
    if component:
        target: Any = module
        for part in component.split("."):
            target = getattr(target, part)
        ask(target.model_validate_json(parameters))
    heavy = [name for name in HEAVY if name in sys.modules]
    print(json.dumps({"seconds": seconds, "heavy": heavy, "hooks": hooks}))


def load(reference: str) -> ModuleType:
    """The module of that name, or in that file."""
    if not reference.endswith(".py"):
        return importlib.import_module(reference)
    found = importlib.util.spec_from_file_location("vaezoo_plugin_measured", reference)
    if found is None or found.loader is None:
        raise ImportError(f"{reference} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def ask(component: Component) -> None:
    """What commands that only read specs ask of a component."""
    component.to_spec()
    image = ImageShape(1, 28, 28)
    if isinstance(component, Encoder):
        component.shape_problem(image, 2)
    if isinstance(component, Decoder):
        component.shape_problem(2, image)
    if isinstance(component, Dataset):
        _ = component.image_shape
        component.problem()
    if isinstance(component, Loss):
        _ = component.weights


if __name__ == "__main__":
    main(*sys.argv[1:])
