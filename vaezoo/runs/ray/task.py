"""A member's run as a task for a worker, and its result.

A task is plain data: the worker reads the spec again with its own plugins.
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
    forward_warnings,
)
from vaezoo.registry import discover
from vaezoo.spec.reader import from_data

if TYPE_CHECKING:
    from vaezoo.training.execution.choose_step import CompileMode

#: A file in the sweep's folder by which a worker recognizes the folder.
MARK = "sender"


@dataclass(frozen=True)
class TaskEnvironment:
    """What the tasks of a sweep have in common.

    ``folder`` is the working directory of the command; ``sweep`` and ``zoo`` are relative to it.
    ``mark`` is the content of the file ``MARK``. ``plugins`` are references as for ``--plugin``;
    ``disabled`` are names of plugins to skip. ``variables`` are the environment variables that
    start with ``VAEZOO_``.
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
    """A member to train: its spec as JSON data, device and number of threads."""

    spec: dict[str, Any]
    device: str
    threads: int
    compile: CompileMode
    environment: TaskEnvironment


@dataclass(frozen=True)
class TaskResult:
    """A task's errors, if it failed; ``stopped`` if the command stopped it."""

    errors: tuple[Diagnostic, ...] = ()
    stopped: bool = False


def perform(task: Task) -> TaskResult:
    """Train and publish a member in this worker process."""
    try:
        _check_worker(task.environment)
        with chdir(task.environment.folder), _variables(task.environment.variables):
            _train(task)
    except (Interrupted, KeyboardInterrupt):
        return TaskResult(stopped=True)
    except VaezooError as error:
        return TaskResult(error.diagnostics)
    return TaskResult()


def status_file(sweep: str | Path, member: str) -> Path:
    """The file of a member's status."""
    return Path(sweep) / f"{member}.status"


def ray_error(message: str, hint: str) -> RunError:
    """An error of the cluster (VZ610)."""
    return RunError(Diagnostic("VZ610", message, hint=hint))


def _train(task: Task) -> None:
    import torch

    from vaezoo.runs.ledger import Ledger
    from vaezoo.runs.ray.status_observer import StatusObserver
    from vaezoo.runs.run import run

    # Ray sets OMP_NUM_THREADS, which has no effect after a worker has imported torch
    torch.set_num_threads(task.threads)
    environment = task.environment
    registry = discover(environment.plugins, disabled=environment.disabled)
    observer = StatusObserver(status_file(environment.sweep, task.spec["name"]))
    with forward_warnings(lambda finding: observer.warned(describe(finding))):
        run(
            from_data(task.spec, registry),
            zoo=environment.zoo,
            device=task.device,
            compile=task.compile,
            observer=observer,
            published=Ledger(Path(environment.sweep), Path(environment.zoo)).enter,
            registry=registry,
        )


def _check_worker(environment: TaskEnvironment) -> None:
    """Raise RunError (VZ610) for another version of vaezoo or another working directory."""
    node, version = platform.node(), metadata.version("vaezoo")
    if version != environment.version:
        raise ray_error(
            f"the worker on {node} has vaezoo {version}, the command has {environment.version}",
            f"pip install 'vaezoo[ray]=={environment.version}' on every machine of the cluster",
        )
    try:
        mark = Path(environment.folder, environment.sweep, MARK).read_text("utf-8")
    except OSError:
        mark = ""
    if mark != environment.mark:
        raise ray_error(
            f"the worker on {node} does not see the folder {environment.folder}",
            "run in a folder that all machines of the cluster see at the same path",
        )


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """Replace all environment variables that start with ``VAEZOO_`` inside the block."""
    with environment_restored():
        for name in [name for name in os.environ if name.startswith("VAEZOO_")]:
            del os.environ[name]
        os.environ.update(given)
        yield


@contextmanager
def environment_restored() -> Iterator[None]:
    """Restore all environment variables after the block."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
