"""Players: modules of a loss with objectives and optimizers of their own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from vaezoo.diagnostics import Diagnostic, PluginError
from vaezoo.registry.blame import class_path, component_label
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.build_optimizer import checked


@dataclass(frozen=True)
class Player:
    """A module of the loss, and the optimizer of its parameters."""

    module: nn.Module
    optimizer: torch.optim.Optimizer


def build_players(spec: Spec, loss: LossModule) -> dict[str, Player]:
    """The players of a loss and its module, by name.

    Raises PluginError (VZ303) for a player without parameters.
    """
    modules = getattr(loss, "players", {})
    players = {}
    for name, optimizer in spec.loss.players().items():
        parameters = list(modules[name].parameters()) if name in modules else []
        if not parameters:
            raise PluginError(
                Diagnostic(
                    "VZ303",
                    f"the player {name!r} of {component_label(spec.loss)} has no parameters",
                    hint=f"its module needs an nn.ModuleDict 'players' with {name!r} in it; the "
                    f"fault is in {class_path(spec.loss)}",
                )
            )
        players[name] = Player(modules[name], checked(optimizer, parameters))
    return players
