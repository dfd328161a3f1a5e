"""Build the optimizer of a spec, with the settings of each part of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from vaezoo.model.vae import PARTS
from vaezoo.registry import Optimizer
from vaezoo.registry.blame import blamed
from vaezoo.registry.fields import value_at
from vaezoo.spec.spec import TrainSpec

#: The key of a parameter group that names its part of the model.
PART = "part"


def build_optimizer(
    plan: TrainSpec, named: Iterable[tuple[str, nn.Parameter]]
) -> torch.optim.Optimizer:
    """The optimizer of all parameters with a gradient, one group for each part with settings.

    ``named`` are the model's parameters with their names in its state dict. Raises PluginError
    (VZ303) if a component fails.
    """
    own = plan.groups.optimizers()
    attributes = {PARTS[part]: part for part in own}
    by_part: dict[str | None, list[nn.Parameter]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            part = attributes.get(name.partition(".")[0])
            by_part.setdefault(part, []).append(parameter)
    built: list[torch.optim.Optimizer] = []
    for part, parameters in by_part.items():
        settings = plan.optimizer if part is None else own[part]
        built.append(checked(settings, parameters))
        if part is not None:
            for group in built[-1].param_groups:
                group[PART] = part
    first, *others = built
    for group in (group for other in others for group in other.param_groups):
        first.add_param_group(group)
    return first


def checked(settings: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of a component. Raises PluginError (VZ303) if the component fails."""
    with blamed(settings, "to build its optimizer"):
        built: object = settings.build(parameters, value_at(settings.lr, 0))
        if not isinstance(built, torch.optim.Optimizer):
            raise TypeError(f"build returned {built!r:.80}, not a torch.optim.Optimizer")
    return built


def set_learning_rates(
    optimizer: torch.optim.Optimizer, lr_of: Callable[[str | None], float]
) -> None:
    """Set the learning rate of every group; ``lr_of`` gives that of a part."""
    for group in optimizer.param_groups:
        group["lr"] = lr_of(group.get(PART))
