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
        self._clip = spec.train.gradient_clip
        players = state.players.values()
        self._steps = [
            step_function(optimizer)
            for optimizer in (state.optimizer, *(player.optimizer for player in players))
        ]
        self._owners: dict[str, nn.Module] = {"objective": state.model}
        self._owners |= {f"player.{name}": one.module for name, one in state.players.items()}

    def prepare(self, images: Tensor) -> Tensor:
        return to_unit(images)

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        self._set_learning_rates(now)
        for player in self._state.players.values():
            player.module.train()
        terms = self._loss(self._state.model, Batch(images), now.weights, self._state.noise)
        self._differentiate(terms)
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._state.model.parameters(), self._clip)
        for step in self._steps:
            step()
        for player in self._state.players.values():
            player.module.eval()  # for validation
        self.terms = tuple(terms)
        return term_sums(terms)

    def _set_learning_rates(self, now: ScheduledValues) -> None:
        rates = {name: now.players[name] for name in self._state.players}
        for group in self._state.optimizer.param_groups:
            group["lr"] = now.lr
        for name, lr in rates.items():
            for group in self._state.players[name].optimizer.param_groups:
                group["lr"] = lr

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
