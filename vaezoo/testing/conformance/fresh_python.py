"""Import a plugin and print its cost. ``import_cost`` runs this in a fresh Python."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from types import ModuleType

import click

from vaezoo.registry import (
    Component,
    Dataset,
    Decoder,
    Encoder,
    ImageShape,
    Likelihood,
    Loss,
    Optimizer,
    Posterior,
    Prior,
    Topology,
    discover,
)
from vaezoo.registry.discovery import THIRD_PARTY
from vaezoo.testing.conformance.component_checks import default_of
from vaezoo.testing.conformance.import_cost import AT_IMPORT
from vaezoo.testing.conformance.outcome import NotApplicable
from vaezoo.testing.conformance.partners import own_posteriors

__all__ = ["click"]  # every command imports it, so it is not part of the plugin's cost

HEAVY = ("torch", "torchvision", "numpy", "matplotlib")


def main(reference: str) -> None:
    """Print one line of JSON: CPU seconds, hooks, and what imported heavy libraries."""
    discover(disabled=[THIRD_PARTY]).components()  # leave out vaezoo's own imports
    began = time.process_time()
    module = load(reference)
    hooks = [name for name, value in vars(module).items() if hasattr(value, "vaezoo_impl")]
    supplied = {
        name: getattr(module, name)()
        for name in ("vaezoo_components", "vaezoo_commands")
        if name in hooks
    }
    seconds = time.process_time() - began
    heavy = {AT_IMPORT: present(set())}
    for component in supplied.get("vaezoo_components", ()):
        before = set(present(set()))
        ask(component)
        heavy[f"{component.kind} {component.use}"] = present(before)
    print(json.dumps({"seconds": seconds, "hooks": hooks, "heavy": heavy}))


def present(before: set[str]) -> list[str]:
    """The heavy libraries imported since ``before``."""
    return [name for name in HEAVY if name in sys.modules and name not in before]


def load(reference: str) -> ModuleType:
    """Import a module by name or file."""
    if not reference.endswith(".py"):
        return importlib.import_module(reference)
    found = importlib.util.spec_from_file_location("vaezoo_plugin_measured", reference)
    if found is None or found.loader is None:
        raise ImportError(f"{reference} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def ask(supplied: type[Component]) -> None:
    """Call what commands without training call on a component, if it has defaults."""
    try:
        component = default_of(supplied, discover())
    except NotApplicable:
        return
    component.to_spec()
    image, latent = ImageShape(1, 28, 28), (2,)
    posterior = next(own_posteriors())
    match component:
        case Encoder():
            component.shape_problem(image, (2, 2))
        case Decoder():
            component.shape_problem((2,), image)
        case Posterior():
            component.shape_problem(latent)
            _ = component.encoder_output(latent), component.decoder_input(latent)
            _ = component.space(latent)
        case Topology():
            component.problem(posterior, latent)
            _ = component.encoder_output(posterior, latent)
            _ = component.prior_space(posterior, latent)
        case Prior():
            component.problem(posterior, posterior.space(latent))
        case Dataset():
            _ = component.image_shape, component.binary
            component.problem()
        case Likelihood():
            _ = component.for_binary_images, component.never_positive, component.deviation
        case Loss():
            _ = component.weights, component.kl_weight
        case Optimizer():
            _ = component.highest_lr


if __name__ == "__main__":
    main(*sys.argv[1:])
