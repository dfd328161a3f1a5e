"""Checkpoints: the complete training state in one safetensors file.

It is one file so that tensors and text always belong to the same epoch.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vaezoo.diagnostics import Diagnostic, RunError, ZooError
from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.spec.resume_rules import refusal
from vaezoo.spec.spec import TrainSpec
from vaezoo.system import safetensors_io
from vaezoo.training import sealed_file
from vaezoo.training.players import Player
from vaezoo.training.weight_average import WeightAverage

FORMAT = "vaezoo checkpoint 3"
#: The format before: a digest of the tensors instead of a seal. Still read, to resume older runs.
_FORMAT_2 = "vaezoo checkpoint 2"
FILE = "checkpoint.safetensors"
#: raised for content of another structure
_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError)


class RandomState(Protocol):
    """A random generator, or several, with a state that can be saved."""

    def get_state(self) -> Tensor: ...

    def set_state(self, state: Tensor, /) -> object: ...


class Checkpointed(Protocol):
    """A state that a checkpoint saves: a run's ``TrainingState`` or an ensemble's."""

    history: list[EpochRecord]
    best: dict[str, Tensor] | None
    best_epoch: int
    compiled: bool | None
    average: WeightAverage | None
    skipped: SkippedSteps

    @property
    def model(self) -> nn.Module: ...

    @property
    def optimizer(self) -> torch.optim.Optimizer: ...

    @property
    def order(self) -> RandomState: ...

    @property
    def noise(self) -> RandomState: ...

    @property
    def players(self) -> Mapping[str, Player]: ...


@dataclass
class SkippedSteps:
    """Steps that were skipped: in a row until now, and in this epoch, with their images."""

    in_a_row: int = 0
    steps: int = 0
    images: int = 0

    def skip(self, images: int) -> None:
        """Count a skipped step."""
        self.in_a_row += 1
        self.steps += 1
        self.images += images

    def begin_epoch(self) -> None:
        self.steps = self.images = 0


@dataclass
class TrainingState:
    """What changes while a model trains."""

    model: VAE
    optimizer: torch.optim.Optimizer
    order: torch.Generator  # for the permutation of each epoch
    noise: torch.Generator  # for the samples of z
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] | None = None  # weights of the best validation ELBO
    best_epoch: int = 0
    compiled: bool | None = None  # None before the choice
    average: WeightAverage | None = None
    skipped: SkippedSteps = field(default_factory=SkippedSteps)
    players: dict[str, Player] = field(default_factory=dict)  # of the loss, by name

    def evaluated_weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and keep: their average if there is one."""
        return self.average.tensors if self.average else self.model.state_dict()

    def evaluated(self) -> AbstractContextManager[None]:
        """Give the model the weights to evaluate inside the block."""
        return self.average.in_module() if self.average else nullcontext()

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)


@dataclass(frozen=True)
class Snapshot:
    """A copy of a state."""

    tensors: dict[str, Tensor]
    text: dict[str, Any]


def snapshot(state: Checkpointed) -> Snapshot:
    """Copy a state."""
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in (state.best or {}).items()}
    if state.average:
        tensors |= {f"average.{name}": value for name, value in state.average.tensors.items()}
    tensors["generator.order"] = state.order.get_state()
    tensors["generator.noise"] = state.noise.get_state()
    optimizer_tensors, optimizer_text = _split_optimizer(state.optimizer.state_dict())
    tensors |= optimizer_tensors
    players: dict[str, Any] = {}
    for player, one in state.players.items():
        of_optimizer, players[player] = _split_optimizer(one.optimizer.state_dict())
        own = {f"module.{name}": value for name, value in one.module.state_dict().items()}
        own |= of_optimizer
        tensors |= {f"player.{player}.{name}": value for name, value in own.items()}
    text = {
        "history": [record.to_data() for record in state.history],
        "best_epoch": state.best_epoch,
        "compiled": state.compiled,
        "optimizer": copy.deepcopy(optimizer_text),
        "skipped_in_a_row": state.skipped.in_a_row,
        **({"players": copy.deepcopy(players)} if players else {}),
    }
    return Snapshot({name: tensor.detach().clone() for name, tensor in tensors.items()}, text)


def save(copied: Snapshot, path: Path, identity: str) -> None:
    """Write a snapshot; ``identity`` identifies the run.

    Raises RunError (VZ503) where the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "identity": identity,
        "state": json.dumps(copied.text),  # unsorted: history.jsonl has the same key order
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sealed_file.save(path, copied.tensors, header)
    except OSError as error:
        raise RunError(
            Diagnostic(
                "VZ503",
                f"cannot write the checkpoint {path}: {error.strerror or error}",
                hint="free disk space or use another folder; the last complete checkpoint is "
                "kept, and the same command resumes from it",
            )
        ) from None


def restore(state: Checkpointed, path: Path, identity: str) -> None:
    """Load the checkpoint at ``path`` into ``state``.

    Raises RunError (VZ604) for a damaged checkpoint or one of another run.
    """
    tensors, header = _read(path)
    if header.get("identity") != identity:
        raise _unusable(
            path, "it belongs to another spec, dataset, precision, device type or starting weights"
        )
    try:
        _apply(state, tensors, json.loads(header["state"]))
    except _MALFORMED as error:
        reason = " ".join(str(error).split())
        message = f"its content does not match the model ({type(error).__name__}: {reason})"
        raise _unusable(path, message) from None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a checkpoint and check its seal."""
    try:
        tensors, header, is_intact = sealed_file.load(path)
    except ZooError as error:
        reason = error.diagnostics[0].message.removeprefix(f"{path} is ")
        raise _unusable(path, f"it is damaged: {reason}") from None
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from None
    if header.get("format") == _FORMAT_2:
        is_intact = header.get("content") == safetensors_io.digest(tensors)
    elif header.get("format") != FORMAT:
        raise _unusable(path, "this version of vaezoo does not read its format")
    if not is_intact:
        raise _unusable(path, "it was changed after it was written")
    return tensors, header


def _apply(state: Checkpointed, tensors: dict[str, Tensor], text: dict[str, Any]) -> None:
    state.model.load_state_dict(_under("model.", tensors))
    state.best = _under("best.", tensors) or None
    state.best_epoch = text["best_epoch"]
    state.compiled = text["compiled"]
    state.skipped.in_a_row = text.get("skipped_in_a_row", 0)
    if state.average:
        state.average.load(_under("average.", tensors))
    state.order.set_state(tensors["generator.order"])
    state.noise.set_state(tensors["generator.noise"])
    state.optimizer.load_state_dict(_join_optimizer(tensors, text["optimizer"]))
    for player, one in state.players.items():
        own = _under(f"player.{player}.", tensors)
        one.module.load_state_dict(_under("module.", own))
        one.optimizer.load_state_dict(_join_optimizer(own, text["players"][player]))
    state.history[:] = [EpochRecord(**record) for record in text["history"]]


def adapt(state: TrainingState, path: Path, plan: TrainSpec) -> None:
    """Adapt a restored state to changed epochs or early stopping.

    Raises RunError (VZ604) where a run with this plan would not have reached the state.
    """
    reason = refusal(plan, state.history, state.best_epoch)
    if reason:
        raise _unusable(path, reason)
    if plan.early_stopping is None:
        state.best, state.best_epoch = None, 0


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _split_optimizer(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state dict as tensors and as JSON data."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                plain.setdefault(str(index), {})[key] = value
    return tensors, {"plain": plain, "groups": state["param_groups"]}


def _join_optimizer(tensors: dict[str, Tensor], text: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in text["plain"].items()}
    for name, value in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    return {"state": state, "param_groups": text["groups"]}


def _unusable(path: Path, reason: str) -> RunError:
    return RunError(
        Diagnostic(
            "VZ604",
            f"the checkpoint {path} cannot be used: {reason}",
            hint=f"start over with --fresh, or remove the folder {path.parent}",
        )
    )
