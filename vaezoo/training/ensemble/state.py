"""The training state of an ensemble: members' weights stacked, one row per member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import stack_module_state

from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.spec.spec import Spec
from vaezoo.training.build_optimizer import build_optimizer
from vaezoo.training.checkpoint import SkippedSteps, TrainingState
from vaezoo.training.players import Player
from vaezoo.training.weight_average import WeightAverage


class Stack(nn.Module):
    """The parameters and buffers of all members as one module, each with a row per member."""

    def __init__(self, models: Sequence[VAE]) -> None:
        super().__init__()
        parameters, buffers = stack_module_state([*models])
        self.names = tuple(parameters)
        self.buffer_names = tuple(buffers)
        for name, value in parameters.items():
            self.register_parameter(
                _key(name), nn.Parameter(value.detach(), requires_grad=value.requires_grad)
            )
        for name, value in buffers.items():
            self.register_buffer(_key(name), value)

    @property
    def values(self) -> list[Tensor]:
        """The parameters, in a model's own order."""
        return [self.get_parameter(_key(name)).detach() for name in self.names]

    @property
    def constants(self) -> list[Tensor]:
        """The buffers."""
        return [self.get_buffer(_key(name)) for name in self.buffer_names]

    def gather(self, models: Sequence[VAE]) -> None:
        """Copy the state of each member's model into its row."""
        stacked = self._by_name()
        for member, model in enumerate(models):
            for name, value in model.state_dict().items():
                stacked[name][member].copy_(value)

    def member(self, index: int) -> dict[str, Tensor]:
        """The state dict of one member's model."""
        return {name: value[index].clone() for name, value in self._by_name().items()}

    def named(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters with their names in a model."""
        for name in self.names:
            yield name, self.get_parameter(_key(name))

    def _by_name(self) -> dict[str, Tensor]:
        names, tensors = (*self.names, *self.buffer_names), (*self.values, *self.constants)
        return dict(zip(names, tensors, strict=True))


class MemberGenerators:
    """One generator per member, saved as one tensor."""

    def __init__(self, each: Sequence[torch.Generator]) -> None:
        self.each = each

    def get_state(self) -> Tensor:
        return torch.stack([generator.get_state() for generator in self.each])

    def set_state(self, states: Tensor, /) -> None:
        for generator, state in zip(self.each, states, strict=True):
            generator.set_state(state.clone())  # set_state misreads a row of a larger tensor


@dataclass
class EnsembleState:
    """What changes while an ensemble trains.

    ``history`` holds the records of all members for the first epoch, then for the second, and so
    on. Ensembles have no early stopping, so ``best`` stays None.
    """

    model: Stack
    optimizer: torch.optim.Optimizer
    order: MemberGenerators
    noise: MemberGenerators
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    best_epoch: int = 0
    compiled: bool | None = None
    average: WeightAverage | None = None
    skipped: SkippedSteps = field(default_factory=SkippedSteps)
    #: none: members whose loss has players train one by one
    players: Mapping[str, Player] = field(default_factory=dict)

    def evaluated(self) -> AbstractContextManager[None]:
        """Give the members the weights to evaluate inside the block."""
        return self.average.in_module() if self.average else nullcontext()

    @property
    def members(self) -> int:
        return len(self.order.each)

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history) // self.members

    def member(self, index: int, spec: Spec, model: VAE) -> TrainingState:
        """One member's state, loaded into ``model`` and a new optimizer."""
        model.load_state_dict(self.model.member(index))
        optimizer = build_optimizer(spec.train, model.named_parameters())
        for parameter, stacked in zip(model.parameters(), self.model.parameters(), strict=True):
            values: dict[str, Any] = self.optimizer.state.get(stacked, {})
            if not values:
                continue
            optimizer.state[parameter] = {
                name: value[index].clone() if value.shape == stacked.shape else value.clone()
                for name, value in values.items()
            }
        average = None
        if self.average:
            average = WeightAverage(model)
            for name, value in average.tensors.items():
                value.copy_(self.average.tensors[_key(name)][index])
        return TrainingState(
            model,
            optimizer,
            order=self.order.each[index],
            noise=self.noise.each[index],
            history=self.history[index :: self.members],
            compiled=self.compiled,
            average=average,
        )

    def gather(self, members: Sequence[TrainingState]) -> None:
        """Copy the weights and optimizer states of all members into this state."""
        self.model.gather([member.model for member in members])
        if self.average:
            for index, member in enumerate(members):
                for name, value in member.evaluated_weights().items():
                    self.average.tensors[_key(name)][index].copy_(value)
        own = zip(*(member.model.parameters() for member in members), strict=True)
        for stacked, parameters in zip(self.model.parameters(), own, strict=True):
            values = [
                member.optimizer.state.get(parameter, {})
                for member, parameter in zip(members, parameters, strict=True)
            ]
            if not values[0]:  # it is frozen or has no gradient
                continue
            self.optimizer.state[stacked] = {
                name: torch.stack([one[name] for one in values])
                if value.shape == parameters[0].shape
                else value.clone()
                for name, value in values[0].items()
            }


def _key(name: str) -> str:
    """A parameter name without dots, which a module does not allow."""
    return name.replace(".", "/")
