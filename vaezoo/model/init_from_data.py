"""Show the training images to modules that ask for them."""

from __future__ import annotations

import torch
from torch import nn

from vaezoo.model.vae import PARTS, VAE
from vaezoo.registry import Component
from vaezoo.registry.blame import blamed
from vaezoo.registry.contracts import TrainingImages
from vaezoo.registry.module_contracts import InitializedByData
from vaezoo.spec.spec import Spec


def init_parts_from_data(model: VAE, spec: Spec, data: TrainingImages, seed: int) -> None:
    """Call ``init_from_data`` for every part of a model. Raises PluginError (VZ303)."""
    for number, part in enumerate(PARTS):
        init_from_data(model.part(part), getattr(spec.model, part), data, seed + number)


@torch.no_grad()
def init_from_data(
    module: nn.Module, component: Component, data: TrainingImages, seed: int
) -> None:
    """Call ``init_from_data`` of the module and those inside it, where they have one.

    ``seed`` is for torch's global generator. Raises PluginError (VZ303) if the component fails.
    """
    for one in module.modules():
        if isinstance(one, InitializedByData):
            doing = "to learn from the training images"
            with blamed(component, doing), torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                one.init_from_data(data)
