"""One member's run as it is sent to a worker, and what comes back.

What is sent is data: the worker reads the spec anew with the plugins that it finds, so that
nothing depends on how objects look inside.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import (
    Diagnostic,
    Interrupted,
    RunError,
    VaezooError,
    describe,
    findings_told,
)
from vaezoo.registry import discover
from vaezoo.spec.reader import from_data

if TYPE_CHECKING:
    from vaezoo.training.execution.choose import CompileMode

#: Within a sweep's folder: how a worker knows that it sees the same folder.
MARK = "sender"


@dataclass(frozen=True)
class TaskEnvironment:
    """What all members of a sweep have in common, as their workers must find it.

    ``folder`` is where the command was given, to which ``sweep`` and ``zoo`` are relative;
    ``mark`` is what the sweep's folder holds under ``MARK``. ``plugins`` are references as
    ``--plugin`` takes them, ``disabled`` names of plugins to leave out. ``variables`` holds
    the variables that begin with ``VAEZOO_``.
    """

    folder: str
    sweep: str
    mark: str
    zoo: str
    plugins: tuple[str, ...]
    disabled: tuple[str, ...]
    variables: Mapping[str, str]
    version: str = metadata.version("vaezoo")


@dataclass(frozen=True)
class Task:
    """One member to be trained: its spec as JSON data, and by how many threads on what device."""

    spec: dict[str, Any]
    device: str
    threads: int
    compile: CompileMode
    environment: TaskEnvironment


@dataclass(frozen=True)
class TaskResult:
    """How a task ended: well, by the errors that it holds, or ``stopped`` by the sender."""

    errors: tuple[Diagnostic, ...] = ()
    stopped: bool = False


def perform(task: Task) -> TaskResult:
    """Train a member and publish it, in the worker that this is called in."""
    try:
        _refuse_other_places(task.environment)
        with chdir(task.environment.folder), _variables(task.environment.variables):
            _train(task)
    except (Interrupted, KeyboardInterrupt):
        return TaskResult(stopped=True)
    except VaezooError as error:
        return TaskResult(error.diagnostics)
    return TaskResult()


def status_file(sweep: str | Path, member: str) -> Path:
    """The file that tells how a member gets on."""
    return Path(sweep) / f"{member}.status"


def unfit(message: str, hint: str) -> RunError:
    """What keeps members from running on a cluster (VZ610)."""
    return RunError(Diagnostic("VZ610", message, hint=hint))


def _train(task: Task) -> None:
    import torch

    from vaezoo.runs.ray.status_observer import StatusObserver
    from vaezoo.runs.run import run
    from vaezoo.runs.sweep import Ledger

    # Ray's own way, OMP_NUM_THREADS, is too late in a worker that has torch already
    torch.set_num_threads(task.threads)
    environment = task.environment
    registry = discover(environment.plugins, disabled=environment.disabled)
    observer = StatusObserver(status_file(environment.sweep, task.spec["name"]))
    with findings_told(lambda finding: observer.warned(describe(finding))):
        run(
            from_data(task.spec, registry),
            zoo=environment.zoo,
            device=task.device,
            compile=task.compile,
            observer=observer,
            published=Ledger(Path(environment.sweep), Path(environment.zoo)).enter,
            registry=registry,
        )


def _refuse_other_places(environment: TaskEnvironment) -> None:
    """Raise RunError (VZ610) where this process has another vaezoo or sees another folder."""
    node, here = platform.node(), metadata.version("vaezoo")
    if here != environment.version:
        raise unfit(
            f"the worker on {node} has vaezoo {here}, the command has {environment.version}",
            f"pip install 'vaezoo[ray]=={environment.version}' on every machine of the cluster",
        )
    try:
        mark = Path(environment.folder, environment.sweep, MARK).read_text("utf-8")
    except OSError:
        mark = ""
    if mark != environment.mark:
        raise unfit(
            f"the worker on {node} does not see the folder {environment.folder}",
            "run in a folder that all machines of the cluster see at the same path",
        )


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """Within, the variables that begin with ``VAEZOO_`` are those given."""
    with environment_kept():
        for name in [name for name in os.environ if name.startswith("VAEZOO_")]:
            del os.environ[name]
        os.environ.update(given)
        yield


@contextmanager
def environment_kept() -> Iterator[None]:
    """After it, the environment's variables are as before."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
