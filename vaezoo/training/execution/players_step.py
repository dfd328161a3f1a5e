"""An eager step of a model and the players of its loss."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vaezoo.data.pixels import to_unit
from vaezoo.diagnostics import PluginError
from vaezoo.registry.blame import blamed, component_failure
from vaezoo.registry.contracts import Batch
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.eager_optimizers import step_function
from vaezoo.training.execution.eager_update import EagerUpdate
from vaezoo.training.execution.graph_capture import term_sums
from vaezoo.training.execution.step import ScheduledValues


class PlayersStep:
    """One call of the loss gives every objective; each moves only the parameters of its owner.

    All gradients are taken before anything moves, so that the order of players does not matter.
    """

    def __init__(self, spec: Spec, state: TrainingState, loss: LossModule) -> None:
        self.terms: tuple[str, ...] = ()
        self._spec = spec
        self._state = state
        self._loss = loss
        self._update = EagerUpdate(spec, state)
        self._player_steps = [step_function(one.optimizer) for one in state.players.values()]
        self._owners: dict[str, nn.Module] = {"objective": state.model}
        self._owners |= {f"player.{name}": one.module for name, one in state.players.items()}

    def prepare(self, images: Tensor) -> Tensor:
        return to_unit(images)

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        self._update.begin(now)
        for name, player in self._state.players.items():
            player.module.train()
            for group in player.optimizer.param_groups:
                group["lr"] = now.players[name]
        terms = self._loss(self._state.model, batch, now.weights, self._state.noise)
        self._differentiate(terms)
        sums = self._update.finish(term_sums(terms), len(batch.images))
        if not self._state.skipped.in_a_row:
            for step in self._player_steps:
                step()
        for player in self._state.players.values():
            player.module.eval()  # for validation
        self.terms = tuple(terms)
        return sums

    def _differentiate(self, terms: Mapping[str, Tensor]) -> None:
        """Set the gradients of every parameter. Raises PluginError (VZ303)."""
        for term, owner in self._owners.items():
            if term not in terms:
                missing = KeyError(f"it returns no {term!r}, but {', '.join(terms)}")
                raise PluginError(component_failure(self._spec.loss, missing, None))
            parameters = [one for one in owner.parameters() if one.requires_grad]
            with blamed(self._spec.loss, f"to give gradients of {term!r}"):
                gradients = torch.autograd.grad(
                    terms[term].mean(), parameters, retain_graph=True, allow_unused=True
                )
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
