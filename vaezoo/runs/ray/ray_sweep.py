"""Run each member of a matrix as a task on a Ray cluster."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from vaezoo.diagnostics import Diagnostic, Interrupted, RunError, UsageError
from vaezoo.registry import Registry, discover
from vaezoo.runs.ledger import Ledger, MemberResult
from vaezoo.runs.ray.cluster import Cluster, Share, connected, ray_installed
from vaezoo.runs.ray.status import Status, read_status
from vaezoo.runs.ray.task import MARK, Task, TaskEnvironment, TaskResult, ray_error, status_file
from vaezoo.runs.sweep import RunOptions, read_members, run_members
from vaezoo.spec.reader import Member, Reading
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import SHARING, runs_beside

if TYPE_CHECKING:
    from vaezoo.training.execution.choose_step import CompileMode

#: Seconds between two reads of the members' status.
_POLL_SECONDS = 0.25
#: Seconds until a shared file system shows on one machine what another has written.
_SYNC_SECONDS = 60.0

State = Literal["waiting", "running", "done", "failed"]


@dataclass
class MemberProgress:
    """The state of a member's run, and its last status."""

    spec: Spec
    state: State = "waiting"
    status: Status | None = None

    @property
    def part_done(self) -> float:
        """The finished part of the training, from 0 to 1."""
        if self.state in ("done", "failed"):
            return 1.0
        return self.status.part_done if self.status else 0.0


class SweepObserver:
    """Callbacks for the progress of a sweep on Ray. Override what you need."""

    def connecting(self) -> None:
        """Connecting to a cluster, or starting one, begins; it takes seconds."""

    def sending(self, members: Sequence[MemberProgress], cluster: Cluster, share: Share) -> None:
        """All unfinished members are about to be sent. ``members`` change from now on."""

    def polled(self) -> None:
        """The progress of all members is up to date."""

    def changed(self, member: MemberProgress) -> None:
        """A member has a new status or has ended."""

    def stopping(self) -> None:
        """All members are about to be stopped; they write their checkpoints."""


def sweep_on_ray(
    spec: str | Path | Reading,
    *,
    overrides: Sequence[str] = (),
    observer: SweepObserver | None = None,
    registry: Registry | None = None,
    cpus_per_run: int = 1,
    gpus_per_run: float | None = None,
    **options: Unpack[RunOptions],
) -> tuple[MemberResult, ...]:
    """Train every member of a spec's matrix on Ray: ``vaezoo.sweep_on_ray("sweep.yaml")``.

    A spec without a matrix is its only member. The cluster is the one that this process is
    connected to, that ``RAY_ADDRESS`` names, or that runs on this machine; otherwise a new one is
    started. All its machines need vaezoo and must see the current folder and the zoo at the same
    paths. Each member gets ``cpus_per_run`` CPUs, as many threads, and ``gpus_per_run`` GPUs,
    which may be a fraction; the default is one GPU if the cluster has any.

    On a CPU each member has the same weights, byte for byte, as ``vaezoo.run`` with as many
    threads. Failed members and stopped sweeps are handled as in ``vaezoo.sweep``.

    Raises SpecError for an invalid spec, UsageError (VZ610) where Ray is not installed, (VZ607)
    for an invalid VAEZOO_SHARED_BY, RunError (VZ610) for a cluster that cannot be used, ZooError
    for a zoo that cannot be written, Interrupted after Ctrl-C.
    """
    ray_installed()
    registry, observer = registry or discover(), observer or SweepObserver()
    reading = read_members(spec, overrides, registry)
    device = _device_type(options.get("device", "auto"))

    def train(ledger: Ledger) -> Iterator[MemberResult]:
        members = [
            MemberProgress(m, "done" if ledger.entry(m) else "waiting") for m in reading.specs
        ]
        errors: dict[str, RunError] = {}
        try:
            if any(member.state == "waiting" for member in members):
                observer.connecting()
                with connected() as cluster:
                    share = cluster.share(device, cpus_per_run, gpus_per_run)
                    observer.sending(members, cluster, share)
                    waiting = sum(member.state == "waiting" for member in members)
                    parallel = min(cluster.per_machine(share), waiting)
                    environment = _environment(ledger, registry, parallel)
                    tasks = _Tasks(cluster, share, environment, observer)
                    errors = tasks.run(members, options.get("compile", "auto"))
            deadline = time.monotonic() + _SYNC_SECONDS
            for member in reading.members:
                yield _result(member, ledger, errors.get(member.name), deadline)
        except KeyboardInterrupt:
            raise _interrupted(members) from None

    return run_members(reading, options, train)


@dataclass(frozen=True)
class _Tasks:
    """The tasks of one sweep on the cluster."""

    cluster: Cluster
    share: Share
    environment: TaskEnvironment
    observer: SweepObserver

    def run(self, members: Sequence[MemberProgress], compile: CompileMode) -> dict[str, RunError]:
        """Run the waiting members; the errors of those that failed, by name.

        If this is interrupted, the members write their checkpoints and stop first.
        """
        sent = {
            self._send(member, compile): member for member in members if member.state == "waiting"
        }
        errors = {}
        try:
            while sent:
                for reference in self.cluster.ended(list(sent), _POLL_SECONDS):
                    member = sent.pop(reference)
                    error = _error(self.cluster.result(reference))
                    if error:
                        errors[member.spec.name] = error
                    self._read_status(member)
                    member.state = "failed" if error else "done"
                    self.observer.changed(member)
                for member in sent.values():
                    self._read_status(member)
                self.observer.polled()
        except BaseException:
            self.observer.stopping()
            self.cluster.stop(list(sent))
            raise
        return errors

    def _send(self, member: MemberProgress, compile: CompileMode) -> Any:
        spec = member.spec
        # remove the file of an earlier attempt
        status_file(self.environment.sweep, spec.name).unlink(missing_ok=True)
        share = self.share
        task = Task(spec.canonical(), share.device, share.cpus, compile, self.environment)
        return self.cluster.send(task, share)

    def _read_status(self, member: MemberProgress) -> None:
        status = read_status(status_file(self.environment.sweep, member.spec.name))
        if status and status != member.status:
            member.state, member.status = "running", status
            self.observer.changed(member)


def _environment(ledger: Ledger, registry: Registry, parallel: int) -> TaskEnvironment:
    """The environment for the workers; ``parallel`` of them share the memory of a machine."""
    mark = secrets.token_hex(16)
    (ledger.folder / MARK).write_text(mark, "utf-8")
    references = [plugin.reference for plugin in registry.plugins if not plugin.off]
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("VAEZOO_") and name != "VAEZOO_PLUGINS"  # these are in ``plugins``
    }
    # other sweeps that share this machine run as many members each
    variables[SHARING] = str(parallel * runs_beside())
    return TaskEnvironment(
        folder=os.getcwd(),
        sweep=str(ledger.folder),
        mark=mark,
        zoo=str(ledger.zoo),
        plugins=tuple(_absolute(reference) for reference in references if reference),
        disabled=tuple(plugin.name for plugin in registry.plugins if plugin.off),
        variables=variables,
    )


def _absolute(reference: str) -> str:
    """A plugin's file as an absolute path; a module name unchanged."""
    return os.path.abspath(reference) if os.path.exists(reference) else reference


def _device_type(name: str) -> str:
    """The device type. Raises UsageError (VZ610) for a device with an index."""
    if ":" not in name:
        return name
    message = f"Ray assigns devices, so {name!r} cannot be selected"
    raise UsageError(Diagnostic("VZ610", message, hint="use --device cuda, or omit it"))


def _error(result: TaskResult) -> RunError | None:
    if result.stopped:
        hint = "the same command resumes it"
        return RunError(Diagnostic("VZ605", "the run was interrupted on the cluster", hint=hint))
    return RunError(*result.errors) if result.errors else None


def _result(
    member: Member, ledger: Ledger, error: RunError | None, deadline: float
) -> MemberResult:
    """A member's entry or error.

    Waits until ``deadline`` (monotonic clock) for the entry to appear on a shared file system.
    """
    spec = member.spec
    assert spec
    values = member.data()
    while error is None:
        entry = ledger.entry(spec)
        if entry:
            return MemberResult(spec, values, entry)
        if time.monotonic() > deadline:
            message = f"its run succeeded, but {ledger.zoo} has no entry of it"
            error = ray_error(message, "use a zoo that all machines of the cluster see")
        else:
            time.sleep(0.2)
    return MemberResult(spec, values, error=error)


def _interrupted(members: Sequence[MemberProgress]) -> Interrupted:
    hint = "the same command resumes where it stopped"
    if len(members) > 1:
        done = sum(member.state == "done" for member in members)
        hint = f"{done} of {len(members)} members are done; the same command resumes the others"
    return Interrupted(Diagnostic("VZ605", "interrupted", hint=hint))
