"""Connect to a running Ray cluster or start one, without Ray's output.

A started cluster ends with the command. It has no dashboard and sends no usage statistics.
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
from vaezoo.runs.ray.task import Task, TaskResult, environment_restored, perform, ray_error
from vaezoo.system.interrupts import ENDING, Terminated

#: Seconds between two checks for signals.
_SIGNAL_SECONDS = 0.25
#: Seconds to wait for a connection to a cluster.
_CONNECT_TIMEOUT = 5.0
#: Seconds for stopped members to write their checkpoints.
_STOP_TIMEOUT = 60.0


@dataclass(frozen=True)
class Share:
    """The resources of one member: CPUs (and as many threads) and GPUs."""

    cpus: int
    gpus: float
    device: str

    def __str__(self) -> str:
        """For example ``2 CPUs and 0.5 GPUs``."""
        cpus = f"{self.cpus} CPU{'s'[: self.cpus > 1]}"
        return f"{cpus} and {self.gpus:g} GPU{'s'[: self.gpus != 1]}" if self.gpus else cpus

    def fits(self, machine: dict[str, float]) -> int:
        """How many members run at once on a machine with these resources."""
        count = machine.get("CPU", 0) // self.cpus
        return int(min(count, machine.get("GPU", 0) // self.gpus) if self.gpus else count)


def ray_installed() -> ModuleType:
    """The ray module. Raises UsageError (VZ610) where it is not installed."""
    try:
        import ray
    except ImportError:
        message = "--on ray needs Ray, which is not installed"
        hint = "pip install 'vaezoo[ray]', or omit --on ray"
        raise UsageError(Diagnostic("VZ610", message, hint=hint)) from None
    module: ModuleType = ray
    return module


class Cluster:
    """A connection to a cluster."""

    def __init__(self, ray: ModuleType, signals: list[int]) -> None:
        self._ray = ray
        self._signals = signals  # received and not handled yet
        alive = [node for node in ray.nodes() if node["Alive"]]
        self.machines: list[dict[str, float]] = [node["Resources"] for node in alive]

    def total(self, resource: str) -> float:
        """The number of CPUs or GPUs of all machines."""
        return sum(machine.get(resource, 0) for machine in self.machines)

    def share(self, device: str, cpus: int, gpus: float | None) -> Share:
        """The resources of each member; ``gpus`` defaults to one if the cluster has any.

        Raises RunError (VZ610) where no machine has these resources.
        """
        if device == "auto":
            uses_gpu = self.total("GPU") > 0 if gpus is None else gpus > 0
            device = "cuda" if uses_gpu else "cpu"
        if gpus is None:
            gpus = 1.0 if device == "cuda" else 0.0
        share = Share(cpus, gpus, device)
        if not self.capacity(share):
            raise ray_error(
                f"no machine of the cluster has {share} for a run",
                "lower --cpus-per-run or --gpus-per-run; 'ray status' shows the resources",
            )
        return share

    def capacity(self, share: Share) -> int:
        """How many members run at once."""
        return sum(map(share.fits, self.machines))

    def per_machine(self, share: Share) -> int:
        """The largest number of members that run at once on one machine."""
        return max(map(share.fits, self.machines))

    def send(self, task: Task, share: Share) -> Any:
        """Submit a task; Ray's reference to its result.

        If its worker dies, the task is retried once and resumes from its checkpoint.
        """
        needs = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_retries": 1}
        return self._ray.remote(**needs)(perform).remote(task)

    def ended(self, sent: Sequence[Any], seconds: float) -> list[Any]:
        """The references whose results are available within some seconds.

        Raises KeyboardInterrupt after Ctrl-C, Terminated after a termination signal.
        """
        ended, _ = self._ray.wait(list(sent), num_returns=len(sent), timeout=seconds)
        if self._signals:
            number = self._signals.pop(0)
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)
        return list(ended)

    def result(self, reference: Any) -> TaskResult:
        """A task's result. Ray's own exceptions become errors of the task."""
        try:
            result: TaskResult = self._ray.get(reference)
        except self._ray.exceptions.TaskCancelledError:
            return TaskResult(stopped=True)
        except self._ray.exceptions.RayError as error:
            return TaskResult(_explained(error).diagnostics)
        return result

    def stop(self, sent: Sequence[Any]) -> None:
        """Stop tasks and wait for their checkpoints."""
        for reference in sent:
            self._ray.cancel(reference)
        deadline = time.monotonic() + _STOP_TIMEOUT
        while sent and time.monotonic() < deadline:
            ended = self.ended(sent, _SIGNAL_SECONDS)
            sent = [reference for reference in sent if reference not in ended]


@contextmanager
def connected() -> Iterator[Cluster]:
    """Connect to a cluster.

    It is the one that this process is connected to, that RAY_ADDRESS names, or that ``ray start``
    started on this machine; otherwise a new one, which ends with the block.

    Raises UsageError (VZ610) where Ray is not installed, RunError (VZ610) where the cluster
    cannot be reached.
    """
    ray = ray_installed()
    if ray.is_initialized():
        with _settings_restored(), _signals_recorded() as signals:
            yield Cluster(ray, signals)
        return
    address = _address(ray)
    with _settings_restored(), _quiet(ray):
        try:
            ray.init(
                address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as e:
            raise ray_error(
                f"cannot connect to the Ray cluster: {_first_line(e)}",
                "check RAY_ADDRESS and 'ray status'; without a cluster vaezoo starts one",
            ) from None
        try:
            with _signals_recorded() as signals:
                yield Cluster(ray, signals)
        finally:
            ray.shutdown()


def _address(ray: ModuleType) -> str | None:
    """The address to give Ray: None to find or start a cluster, "local" to start one.

    Ray itself retries a dead address for minutes. Raises RunError (VZ610) where RAY_ADDRESS does
    not accept connections. Ignores a local cluster that ended without ``ray stop``.
    """
    named = os.environ.get("RAY_ADDRESS")
    if named:
        if not _accepts_connections(named):
            hint = "start the cluster, or unset RAY_ADDRESS: vaezoo then starts one"
            raise ray_error(f"no Ray cluster at RAY_ADDRESS, {named}", hint)
        return None
    recorded = ray._private.services.find_bootstrap_address(None)
    return "local" if recorded and not _accepts_connections(recorded) else None


def _accepts_connections(address: str) -> bool:
    """Whether an address accepts connections; True where it has no host and port to try."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return True
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT):
            return True
    except OSError:
        return False


def _explained(error: BaseException) -> RunError:
    """The error of a member from Ray's exception."""
    text = str(error)
    if "No module named 'vaezoo" in text:
        hint = "pip install 'vaezoo[ray]' on every machine of the cluster"
        return ray_error("a worker of the cluster does not have vaezoo", hint)
    cause = getattr(error, "cause", None)
    if cause is not None:
        return ray_error(
            f"the run ended with {type(cause).__name__}: {_first_line(cause)}",
            "this is a bug in vaezoo or a plugin; run this member without --on ray to locate it",
        )
    return ray_error(
        f"the run's worker ended: {_first_line(error)}",
        "it may have run out of memory; the same command resumes after its last complete epoch",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _signals_recorded() -> Iterator[list[int]]:
    """Only record SIGINT and termination signals inside the block.

    Ray does not support an exception from a signal handler while it waits, and its own handler
    dumps the stack.
    """
    signals: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield signals  # only the main thread can set handlers
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    before = {
        number: handler for number, handler in before.items() if handler is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, lambda number, frame: signals.append(number))
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _settings_restored() -> Iterator[None]:
    """Disable usage statistics; restore the environment and SIGTERM handler afterwards."""
    is_main = threading.current_thread() is threading.main_thread()
    sigterm_handler = signal.getsignal(signal.SIGTERM)
    try:
        with environment_restored():
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            yield
    except Terminated as request:
        signal.signal(request.number, signal.SIG_DFL)
        os.kill(os.getpid(), request.number)  # end as without a handler
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, sigterm_handler)


@contextmanager
def _quiet(ray: ModuleType) -> Iterator[None]:
    """Keep Ray from printing its daemons' messages about dead workers to stdout.

    They are reported as errors of the members. Ray has no public setting for this.
    """
    worker = ray._private.worker
    before = getattr(worker, "_worker_logs_enabled", None)
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before
