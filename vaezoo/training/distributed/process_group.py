"""Training in one process, or in several started by torchrun.

Each process holds the whole dataset and model, draws the same order and noise, and computes its
share of every batch. The first process writes the files.
"""

from __future__ import annotations

import gc
import hashlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from vaezoo.data.image_batches import Images, batch_of
from vaezoo.registry.module_contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes, apart
from vaezoo.training.checkpoint import Checkpointed, TrainingState
from vaezoo.training.checkpoint_schedule import Saver
from vaezoo.training.distributed.shared_step import DistributedStep, SharedLoss, warning_about
from vaezoo.training.epoch import PROGRESS_SECONDS
from vaezoo.training.execution.choose_step import CompileMode, ExecutionPlan, choose_step
from vaezoo.training.execution.graph_capture import first_line
from vaezoo.training.execution.step import Step
from vaezoo.training.observer import Observer

T = TypeVar("T")

#: How long a process waits for the others, which may be loading their data.
_TIMEOUT = timedelta(hours=2)


class SingleProcess:
    """One process without others."""

    #: seconds between two progress updates within an epoch
    progress_seconds: float = PROGRESS_SECONDS

    def in_turn(self, load: Callable[[], T]) -> T:
        """Call ``load``, first in one process per machine: the others find its files."""
        return load()

    def checkpoint(self, path: Path, identity: str) -> AbstractContextManager[Path]:
        """The path of the checkpoint to resume from; the file may not exist.

        Raises RunError (VZ609) where processes have different specs or data.
        """
        return nullcontext(path)

    def saver(self, path: Path, identity: str) -> Saver:
        """The writer of checkpoints."""
        return Saver(path, identity)

    def shared(self, loss: LossModule) -> LossModule:
        """The loss, computed by all processes together."""
        return loss

    def choose_step(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        images: Images,
        mode: CompileMode,
        observer: Observer,
    ) -> tuple[Step, ExecutionPlan]:
        """See ``execution.choose_step.choose_step``."""
        return choose_step(spec, state, loss, images, mode, observer)

    def leave(self) -> None:
        """Leave the group: the rest of the run needs one process."""


class ProcessGroup(SingleProcess):
    """One of several processes, connected by ``torch.distributed``."""

    def __init__(self, processes: Processes, device: torch.device) -> None:
        self._processes = processes
        self._device = device
        # Only the first process checks progress within an epoch. The others check where all do:
        # the first would wait for one that stopped alone.
        self.progress_seconds = PROGRESS_SECONDS if processes.is_first else math.inf

    def in_turn(self, load: Callable[[], T]) -> T:
        if self._processes.local_rank:
            dist.barrier()
            return load()
        loaded = load()
        dist.barrier()
        return loaded

    @contextmanager
    def checkpoint(self, path: Path, identity: str) -> Iterator[Path]:
        self._agree(identity)
        if self._processes.is_first:
            self._broadcast(path.read_bytes() if path.exists() else b"")
            yield path
            return
        # other machines may not have the file
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            if content := self._broadcast(b""):
                copy.write_bytes(content)
            yield copy

    def saver(self, path: Path, identity: str) -> Saver:
        return Saver(path, identity) if self._processes.is_first else _NullSaver(path, identity)

    def shared(self, loss: LossModule) -> LossModule:
        return SharedLoss(loss, self._processes)

    def choose_step(
        self,
        spec: Spec,
        state: TrainingState,
        loss: LossModule,
        images: Images,
        mode: CompileMode,
        observer: Observer,
    ) -> tuple[Step, ExecutionPlan]:
        if mode == "on" or state.compiled:
            raise apart(
                "distributed steps are not compiled",
                "omit --compile; resume a run that started with compiled steps in one process, "
                "or start over with --fresh",
            )
        if state.players:
            raise apart("its loss has players", "train it in one process, without torchrun")
        state.compiled = False
        first = batch_of(images, slice(spec.train.batch_size))
        if warning := warning_about(spec, state, loss, first, self._processes):
            observer.warned(warning)
        reason = f"{self._processes.count} processes share each step"
        execution = ExecutionPlan(compiled=False, reason=reason)
        return DistributedStep(spec, state, loss, first, self._processes), execution

    def leave(self) -> None:
        # Free DistributedDataParallel's references to the group first: a group that survives this
        # call may still have threads when the interpreter exits, which aborts the process.
        gc.collect()
        dist.destroy_process_group()

    def _agree(self, identity: str) -> None:
        mine = hashlib.sha256(identity.encode()).digest()
        if self._broadcast(mine) != mine:
            raise apart(
                f"process {self._processes.rank} has another spec, dataset or device type "
                "than the first",
                "use the same spec, data and --device on every machine",
            )

    def _broadcast(self, content: bytes) -> bytes:
        """Send the first process's bytes to every process."""
        length = torch.tensor([len(content)], device=self._device)
        dist.broadcast(length, src=0)
        if self._processes.is_first:
            tensor = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8)
            tensor = tensor.to(self._device)
        else:
            tensor = torch.empty(max(int(length), 1), dtype=torch.uint8, device=self._device)
        dist.broadcast(tensor, src=0)
        return tensor.cpu().numpy().tobytes()[: int(length)]


class _NullSaver(Saver):
    """Writes nothing: the first process does."""

    def finished_epoch(self, state: Checkpointed) -> None:
        pass


@contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[SingleProcess]:
    """Connect this process to the others that torchrun started, if any.

    Raises RunError (VZ609) where they cannot be reached or one of them is lost.
    """
    if processes.count == 1:
        yield SingleProcess()
        return
    try:
        _join(processes, device)
        yield ProcessGroup(processes, device)
    except (ValueError, RuntimeError) as error:
        if _is_connection_error(error):
            raise _connection_failed(error) from error
        raise


def _join(processes: Processes, device: torch.device) -> None:
    # A prefix for each restart: torchrun may keep its store, which still has the addresses of
    # processes that are gone.
    store, *_ = next(iter(rendezvous("env://", timeout=_TIMEOUT)))
    store = PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    options: dict[str, Any] = {
        "store": store,
        "rank": processes.rank,
        "world_size": processes.count,
        "timeout": _TIMEOUT,
    }
    if device.type == "cuda":
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device, **options)
    else:
        dist.init_process_group("gloo", **options)


def _is_connection_error(error: Exception) -> bool:
    if isinstance(error, dist.DistError):
        return True
    hints = ("gloo", "NCCL", "MASTER_", "rendezvous", "onnection")
    return any(word in str(error) for word in hints)


def _connection_failed(error: Exception) -> Exception:
    return apart(
        f"the connection between the processes failed: {first_line(error)}",
        "the same torchrun command resumes after the last complete epoch; torchrun "
        "--max-restarts=3 restarts the processes automatically",
    )
