"""What one process does where several may train together: alone it does it by itself.

The processes are those of torchrun. Each holds the whole dataset and the whole model, draws the
same order and the same noise, and computes its share of every batch. Files are the first one's.
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

from vaezoo.data.image_batches import Images
from vaezoo.registry.contracts import LossModule
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes, apart
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.checkpoint_saver import Saver
from vaezoo.training.distributed.shared_step import DistributedStep, SharedLoss, warning_about
from vaezoo.training.epoch import LOOK_EVERY
from vaezoo.training.execution.choose import CompileMode, ExecutionPlan, choose_step
from vaezoo.training.execution.compiled import Step
from vaezoo.training.observer import Observer

T = TypeVar("T")

#: How long a process waits for the others, which may download and decode their data.
_PATIENCE = timedelta(hours=2)


class SingleProcess:
    """One process, with nobody to wait for."""

    #: seconds between two looks at the figures within an epoch
    look_every: float = LOOK_EVERY

    def in_turn(self, load: Callable[[], T]) -> T:
        """What ``load`` gives; one process a machine loads first, and the others find its files."""
        return load()

    def checkpoint(self, path: Path, identity: str) -> AbstractContextManager[Path]:
        """The checkpoint to go on from, as a file that may not exist.

        Raises RunError (VZ609) where processes do not train the same spec on the same data.
        """
        return nullcontext(path)

    def saver(self, path: Path, identity: str) -> Saver:
        """What writes the checkpoints."""
        return Saver(path, identity)

    def shared(self, loss: LossModule) -> LossModule:
        """The loss, each process computing its share of the examples."""
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
        """As ``execution.choose.choose_step``."""
        return choose_step(spec, state, loss, images, mode, observer)

    def leave(self) -> None:
        """What is left to do, one process does alone."""


class ProcessGroup(SingleProcess):
    """One process of several, joined by ``torch.distributed``."""

    def __init__(self, processes: Processes, device: torch.device) -> None:
        self._processes = processes
        self._device = device
        # the first looks at any time and speaks for all; others, who would leave it waiting
        # for them if they stopped by themselves, only where all of them look
        self.look_every = LOOK_EVERY if processes.is_first else math.inf

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
        # other machines have no file of the run, and need none
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
                "steps that several processes share are not compiled",
                "leave --compile out; a run that began compiled goes on in one process, "
                "or starts anew with --fresh",
            )
        state.compiled = False
        first = images[: spec.train.batch_size]
        if warning := warning_about(spec, state, loss, first, self._processes):
            observer.warned(warning)
        count = self._processes.count
        execution = ExecutionPlan(compiled=False, reason=f"{count} processes share each of them")
        return DistributedStep(spec, state, loss, first, self._processes), execution

    def leave(self) -> None:
        # what DistributedDataParallel holds of the group goes first: threads of a group that
        # outlives this call may still run when the interpreter ends, which aborts the process
        gc.collect()
        dist.destroy_process_group()

    def _agree(self, identity: str) -> None:
        mine = hashlib.sha256(identity.encode()).digest()
        if self._broadcast(mine) != mine:
            raise apart(
                f"process {self._processes.rank} has another spec, dataset or kind of device "
                "than the first",
                "give every machine the same spec, the same data and the same --device",
            )

    def _broadcast(self, content: bytes) -> bytes:
        """The first process's bytes, in every process."""
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
    """Keeps nothing: the first process does."""

    def finished_epoch(self, state: TrainingState) -> None:
        pass


@contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[SingleProcess]:
    """Inside, this process trains with the others that torchrun has started, if any.

    Raises RunError (VZ609) where they cannot be found, or one of them is lost.
    """
    if processes.count == 1:
        yield SingleProcess()
        return
    try:
        _join(processes, device)
        yield ProcessGroup(processes, device)
    except (ValueError, RuntimeError) as error:
        if _is_of_the_connection(error):
            raise _lost(error) from error
        raise


def _join(processes: Processes, device: torch.device) -> None:
    # a start of its own for each restart: torchrun may keep its store, in which the addresses
    # of processes that are gone would be found
    store, *_ = next(iter(rendezvous("env://", timeout=_PATIENCE)))
    store = PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    place: dict[str, Any] = {
        "store": store,
        "rank": processes.rank,
        "world_size": processes.count,
    }
    if device.type == "cuda":
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device, timeout=_PATIENCE, **place)
    else:
        dist.init_process_group("gloo", timeout=_PATIENCE, **place)


def _is_of_the_connection(error: Exception) -> bool:
    if isinstance(error, dist.DistError):
        return True
    words = ("gloo", "NCCL", "MASTER_", "rendezvous", "onnection")
    return any(word in str(error) for word in words)


def _lost(error: Exception) -> Exception:
    cause = str(error).strip().splitlines()[0]
    return apart(
        f"the connection between the processes failed: {cause}",
        "the same torchrun command goes on after the last whole epoch; torchrun "
        "--max-restarts=3 starts the processes again by itself",
    )
