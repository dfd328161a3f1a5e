"""A Ray cluster: the one that is there, or one of this command's own, with nothing of Ray's talk.

A cluster of its own lives as long as the command and speaks to nobody: no usage statistics, no
dashboard.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from vaezoo.diagnostics import Diagnostic, RunError, UsageError
from vaezoo.runs.ray.task import Task, TaskResult, environment_kept, perform, unfit
from vaezoo.system.interrupts import ENDING, Terminated

#: Seconds between two looks whether somebody asked to stop.
_LISTENING = 0.25
#: Seconds in which a cluster must answer.
_KNOCKING = 5.0
#: Seconds in which members that are stopped write their checkpoints.
_LAST_WORDS = 60.0


@dataclass(frozen=True)
class Share:
    """What one member has for itself: CPUs, which are its threads too, and GPUs."""

    cpus: int
    gpus: float
    device: str

    def __str__(self) -> str:
        """Such as ``2 CPUs and 0.5 GPUs``."""
        cpus = f"{self.cpus} CPU{'s'[: self.cpus > 1]}"
        return f"{cpus} and {self.gpus:g} GPU{'s'[: self.gpus != 1]}" if self.gpus else cpus

    def fits(self, machine: dict[str, float]) -> int:
        """How many members a machine with such resources has room for at once."""
        room = machine.get("CPU", 0) // self.cpus
        return int(min(room, machine.get("GPU", 0) // self.gpus) if self.gpus else room)


def ray_installed() -> ModuleType:
    """Ray. Raises UsageError (VZ610) where it is not installed."""
    try:
        import ray
    except ImportError:
        message = "--on ray needs Ray, which is not installed"
        hint = "pip install 'vaezoo[ray]', or leave --on ray out"
        raise UsageError(Diagnostic("VZ610", message, hint=hint)) from None
    module: ModuleType = ray
    return module


class Cluster:
    """A cluster that this process is connected to."""

    def __init__(self, ray: ModuleType, asked: list[int]) -> None:
        self._ray = ray
        self._asked = asked  # the signals that came in and are not obeyed yet
        alive = [node for node in ray.nodes() if node["Alive"]]
        self.machines: list[dict[str, float]] = [node["Resources"] for node in alive]

    def total(self, resource: str) -> float:
        """How many CPUs or GPUs all machines have."""
        return sum(machine.get(resource, 0) for machine in self.machines)

    def share(self, device: str, cpus: int, gpus: float | None) -> Share:
        """What each member gets; a GPU where there are any, unless told otherwise.

        Raises RunError (VZ610) where no machine has that much.
        """
        if device == "auto":
            wanted = self.total("GPU") > 0 if gpus is None else gpus > 0
            device = "cuda" if wanted else "cpu"
        if gpus is None:
            gpus = 1.0 if device == "cuda" else 0.0
        share = Share(cpus, gpus, device)
        if not self.room(share):
            raise unfit(
                f"no machine of the cluster has {share} for a run",
                "ask for less with --cpus-per-run and --gpus-per-run; 'ray status' says what "
                "a cluster has",
            )
        return share

    def room(self, share: Share) -> int:
        """How many members can run at once."""
        return sum(map(share.fits, self.machines))

    def beside(self, share: Share) -> int:
        """How many members can run on one machine at once, where most can."""
        return max(map(share.fits, self.machines))

    def send(self, task: Task, share: Share) -> Any:
        """Have a task performed as soon as there is room; Ray's reference to its result.

        Where its worker dies it is tried once more, and goes on from its checkpoint.
        """
        needs = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_retries": 1}
        return self._ray.remote(**needs)(perform).remote(task)

    def ended(self, sent: Sequence[Any], seconds: float) -> list[Any]:
        """Those of several references whose result is there after so many seconds.

        Raises KeyboardInterrupt after Ctrl-C, Terminated after a request to end.
        """
        ended, _ = self._ray.wait(list(sent), num_returns=len(sent), timeout=seconds)
        if self._asked:
            number = self._asked.pop(0)
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)
        return list(ended)

    def result(self, reference: Any) -> TaskResult:
        """How a task ended. What Ray itself has to say is an error of the task."""
        try:
            result: TaskResult = self._ray.get(reference)
        except self._ray.exceptions.TaskCancelledError:
            return TaskResult(stopped=True)
        except self._ray.exceptions.RayError as error:
            return TaskResult(_explained(error).diagnostics)
        return result

    def stop(self, sent: Sequence[Any]) -> None:
        """Have errands stop where they are, with a checkpoint, and wait for that."""
        for reference in sent:
            self._ray.cancel(reference)
        deadline = time.monotonic() + _LAST_WORDS
        while sent and time.monotonic() < deadline:
            ended = self.ended(sent, _LISTENING)
            sent = [reference for reference in sent if reference not in ended]


@contextmanager
def connected() -> Iterator[Cluster]:
    """The cluster that this process is connected to already, that RAY_ADDRESS names or that was
    started on this machine by ``ray start``; else one of its own, which ends with the block.

    Raises UsageError (VZ610) where Ray is not installed, RunError (VZ610) where the cluster
    cannot be reached.
    """
    ray = ray_installed()
    if ray.is_initialized():
        with _settings_kept(), _signals_noted() as asked:
            yield Cluster(ray, asked)
        return
    address = _address(ray)
    with _settings_kept(), _quiet(ray):
        try:
            ray.init(
                address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as e:
            raise unfit(
                f"the Ray cluster cannot be used: {_first_line(e)}",
                "look at RAY_ADDRESS and 'ray status'; without a cluster vaezoo starts its own",
            ) from None
        try:
            with _signals_noted() as asked:
                yield Cluster(ray, asked)
        finally:
            ray.shutdown()


def _address(ray: ModuleType) -> str | None:
    """Where a cluster listens; None where Ray is to look for itself, or to start one.

    Ray would knock for minutes where nobody is. Raises RunError (VZ610) where nobody listens at
    RAY_ADDRESS. A cluster of this machine that ended without ``ray stop`` is passed over.
    """
    named = os.environ.get("RAY_ADDRESS")
    if named:
        if not _may_listen(named):
            hint = "start the cluster, or unset RAY_ADDRESS: vaezoo then starts one of its own"
            raise unfit(f"no Ray cluster listens at RAY_ADDRESS, {named}", hint)
        return None
    noted = ray._private.services.find_bootstrap_address(None)
    return "local" if noted and not _may_listen(noted) else None


def _may_listen(address: str) -> bool:
    """Whether something listens there, or the address is not one that tells."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return True
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCKING):
            return True
    except OSError:
        return False


def _explained(error: BaseException) -> RunError:
    """A member's error from what Ray says of its worker."""
    text = str(error)
    if "No module named 'vaezoo" in text:
        hint = "pip install 'vaezoo[ray]' on every machine of the cluster"
        return unfit("a worker of the cluster does not have vaezoo", hint)
    cause = getattr(error, "cause", None)
    if cause is not None:
        return unfit(
            f"the run ended with {type(cause).__name__}: {_first_line(cause)}",
            "this is a fault in vaezoo or a plugin; run this member without --on ray to see where",
        )
    return unfit(
        f"the run's worker ended: {_first_line(error)}",
        "it may have had too little memory; the same command goes on after its last whole epoch",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Within, requests to stop or to end are noted, and no more than that.

    Ray does not bear an exception out of a signal's handler while it waits, and its own handler
    dumps the stack.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only a main thread may
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    before = {
        number: handler for number, handler in before.items() if handler is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, lambda number, frame: asked.append(number))
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Within, no statistics are sent; after it, variables and the way to end are as before."""
    is_main = threading.current_thread() is threading.main_thread()
    way_to_end = signal.getsignal(signal.SIGTERM)
    try:
        with environment_kept():
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            yield
    except Terminated as asked:
        signal.signal(asked.number, signal.SIG_DFL)
        os.kill(os.getpid(), asked.number)  # end as if nobody had listened
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, way_to_end)


@contextmanager
def _quiet(ray: ModuleType) -> Iterator[None]:
    """Within, Ray does not print on stdout what its daemons say of workers that died.

    That is told as those members' errors; Ray has no public switch for it.
    """
    worker = ray._private.worker
    before = getattr(worker, "_worker_logs_enabled", None)
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before
