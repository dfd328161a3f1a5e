"""Checkpoints: all that a run needs to go on exactly where it was, in one safetensors file.

One file, so that tensors and text can never be of two different moments.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic, RunError, ZooError
from vaezoo.model import VAE
from vaezoo.registry import EpochRecord
from vaezoo.spec.resume_rules import refusal
from vaezoo.spec.spec import TrainSpec
from vaezoo.system import safetensors_io
from vaezoo.training import sealed_file

FORMAT = "vaezoo checkpoint 3"
#: Has a digest of its tensors instead of a seal. Runs that were begun before go on from it.
_EARLIER_FORMAT = "vaezoo checkpoint 2"
FILE = "checkpoint.safetensors"
#: what taking over a state of another form raises
_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError)


@dataclass
class TrainingState:
    """What changes while a model trains."""

    model: VAE
    optimizer: torch.optim.Optimizer
    order: torch.Generator  # draws the permutation of each epoch
    noise: torch.Generator  # draws the samples of z
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] | None = None  # weights of the best validation ELBO
    best_epoch: int = 0
    compiled: bool | None = None  # by which road the steps go; None before one is chosen

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)


@dataclass(frozen=True)
class Snapshot:
    """A state at one moment, whatever becomes of it afterwards."""

    tensors: dict[str, Tensor]
    text: dict[str, Any]


def snapshot(state: TrainingState) -> Snapshot:
    """A copy of the state."""
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in (state.best or {}).items()}
    tensors["generator.order"] = state.order.get_state()
    tensors["generator.noise"] = state.noise.get_state()
    optimizer_tensors, optimizer_text = _split_optimizer(state.optimizer.state_dict())
    tensors |= optimizer_tensors
    text = {
        "history": [dataclasses.asdict(record) for record in state.history],
        "best_epoch": state.best_epoch,
        "compiled": state.compiled,
        "optimizer": copy.deepcopy(optimizer_text),
    }
    return Snapshot({name: tensor.detach().clone() for name, tensor in tensors.items()}, text)


def save(moment: Snapshot, path: Path, identity: str) -> None:
    """Write a snapshot; ``identity`` says which run it belongs to.

    Raises RunError (VZ503) where the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "identity": identity,
        "state": json.dumps(moment.text),  # in its order, which history.jsonl shows
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sealed_file.save(path, moment.tensors, header)
    except OSError as error:
        raise RunError(
            Diagnostic(
                "VZ503",
                f"the checkpoint {path} cannot be written: {error.strerror or error}",
                hint="make room or choose another folder; the last whole checkpoint is kept, "
                "and the same command goes on from it",
            )
        ) from None


def restore(state: TrainingState, path: Path, identity: str) -> None:
    """Bring ``state`` to where the checkpoint at ``path`` left it.

    Raises RunError (VZ604) for a checkpoint of another run, or a damaged one.
    """
    tensors, header = _read(path)
    if header.get("identity") != identity:
        raise _refused(path, "it belongs to another spec, dataset, precision or kind of device")
    try:
        _apply(state, tensors, json.loads(header["state"]))
    except _MALFORMED as error:
        reason = " ".join(str(error).split())
        raise _refused(
            path, f"its content does not fit ({type(error).__name__}: {reason})"
        ) from None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The content of a checkpoint that nobody has changed."""
    try:
        tensors, header, is_unbroken = sealed_file.load(path)
    except ZooError as error:
        reason = error.diagnostics[0].message.removeprefix(f"{path} is ")
        raise _refused(path, f"it is damaged: {reason}") from None
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror}") from None
    if header.get("format") == _EARLIER_FORMAT:
        is_unbroken = header.get("content") == safetensors_io.digest(tensors)
    elif header.get("format") != FORMAT:
        raise _refused(path, "it is not a checkpoint of this version of vaezoo")
    if not is_unbroken:
        raise _refused(path, "it was changed after it was written")
    return tensors, header


def _apply(state: TrainingState, tensors: dict[str, Tensor], text: dict[str, Any]) -> None:
    """Bring ``state`` to what a checkpoint holds."""
    state.model.load_state_dict(_under("model.", tensors))
    state.best = _under("best.", tensors) or None
    state.best_epoch = text["best_epoch"]
    state.compiled = text["compiled"]
    state.order.set_state(tensors["generator.order"])
    state.noise.set_state(tensors["generator.noise"])
    state.optimizer.load_state_dict(_join_optimizer(tensors, text["optimizer"]))
    state.history[:] = [EpochRecord(**record) for record in text["history"]]


def adapt(state: TrainingState, path: Path, plan: TrainSpec) -> None:
    """Make a restored state one of this plan, which may be longer than the one it began with.

    Raises RunError (VZ604) where a run of the plan alone would not have come to this state.
    """
    reason = refusal(plan, state.history, state.best_epoch)
    if reason:
        raise _refused(path, reason)
    if plan.early_stopping is None:
        state.best, state.best_epoch = None, 0


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _split_optimizer(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state as tensors and as JSON data."""
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


def _refused(path: Path, reason: str) -> RunError:
    return RunError(
        Diagnostic(
            "VZ604",
            f"the checkpoint {path} cannot be used: {reason}",
            hint=f"start anew with --fresh, or remove the folder {path.parent}",
        )
    )
