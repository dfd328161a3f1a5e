"""Every member of a matrix as a task on a Ray cluster, with its own run's result."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from vaezoo.diagnostics import Diagnostic, Interrupted, RunError, UsageError
from vaezoo.registry import Registry, discover
from vaezoo.runs.ray.cluster import Cluster, Share, connected, ray_installed
from vaezoo.runs.ray.status import Status, read_status
from vaezoo.runs.ray.task import MARK, Task, TaskEnvironment, TaskResult, status_file, unfit
from vaezoo.runs.sweep import How, Ledger, MemberResult, ledger_of, members_of
from vaezoo.spec.reader import Member, Reading
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import SHARING, runs_beside

if TYPE_CHECKING:
    from vaezoo.training.execution.choose import CompileMode

#: Seconds between two looks at how members get on.
_LOOK_EVERY = 0.25
#: Seconds in which a shared file system shows on one machine what another has written.
_SHOWN_WITHIN = 60.0

State = Literal["waiting", "at work", "done", "failed"]


@dataclass
class Standing:
    """Where a member stands, with the last status of it; ``spec`` is what it is."""

    spec: Spec
    state: State = "waiting"
    status: Status | None = None

    @property
    def part_done(self) -> float:
        """From 0 to 1: how much of its training is done."""
        if self.state in ("done", "failed"):
            return 1.0
        return self.status.part_done if self.status else 0.0


class Watcher:
    """Told how members get on that run at the same time; does nothing. Override what you need."""

    def connecting(self) -> None:
        """A cluster is about to be looked for, or started, which takes seconds."""

    def sending(self, standings: Sequence[Standing], cluster: Cluster, share: Share) -> None:
        """All members are about to be sent, but those that are done. The standings change."""

    def looked(self) -> None:
        """The standings are up to date again."""

    def changed(self, standing: Standing) -> None:
        """There is status of a member, or it ended."""

    def stopping(self) -> None:
        """All are about to be stopped and to write their checkpoints."""


def sweep_on_ray(
    spec: str | Path | Reading,
    *,
    overrides: Sequence[str] = (),
    watcher: Watcher | None = None,
    registry: Registry | None = None,
    cpus_per_run: int = 1,
    gpus_per_run: float | None = None,
    **how: Unpack[How],
) -> tuple[MemberResult, ...]:
    """Train every member of a spec's matrix on Ray: ``vaezoo.sweep_on_ray("sweep.yaml")``.

    A spec without a matrix is its only member. The cluster is the one that this process is
    connected to, that ``RAY_ADDRESS`` names or that runs on this machine, or one of its own. All
    its machines need vaezoo, and must see the current folder and the zoo at the same paths. Each
    member has ``cpus_per_run`` CPUs, which is the number of its threads, and ``gpus_per_run``
    GPUs: one where there are any, a part of one to share it.

    Each ends as its own run does: on a CPU in the same bytes as ``vaezoo.run`` with as many
    threads. Members that fail, and a sweep that was stopped, are as in ``vaezoo.sweep``.

    Raises SpecError for a spec that cannot be used, UsageError (VZ610) where Ray is not installed,
    RunError (VZ610) for a cluster that cannot be used, ZooError for a zoo that cannot be written,
    UsageError (VZ607) where VAEZOO_SHARED_BY is no number of runs, Interrupted after Ctrl-C.
    """
    ray_installed()
    registry, watcher = registry or discover(), watcher or Watcher()
    spec = members_of(spec, overrides, registry)
    device = _device(how.get("device", "auto"))
    with ledger_of(spec, how) as ledger:
        standings = [Standing(m, "done" if ledger.entry(m) else "waiting") for m in spec.specs]
        errors: dict[str, RunError] = {}
        try:
            if any(one.state == "waiting" for one in standings):
                watcher.connecting()
                with connected() as cluster:
                    share = cluster.share(device, cpus_per_run, gpus_per_run)
                    watcher.sending(standings, cluster, share)
                    waiting = sum(one.state == "waiting" for one in standings)
                    beside = min(cluster.beside(share), waiting)
                    crew = _Crew(cluster, share, _environment(ledger, registry, beside), watcher)
                    errors = crew.train(standings, how.get("compile", "auto"))
            deadline = time.monotonic() + _SHOWN_WITHIN
            outcomes = tuple(
                _outcome(member, ledger, errors.get(member.name), deadline)
                for member in spec.members
            )
        except KeyboardInterrupt:
            raise _interrupted(standings) from None
        ledger.close(outcomes)
    return outcomes


@dataclass(frozen=True)
class _Crew:
    """Those who train the members of one sweep."""

    cluster: Cluster
    share: Share
    environment: TaskEnvironment
    watcher: Watcher

    def train(self, standings: Sequence[Standing], compile: CompileMode) -> dict[str, RunError]:
        """Train the members that wait, to the end of the last; the errors of those that failed.

        Whatever breaks this off, they stop with their checkpoints first.
        """
        sent = {self._send(one, compile): one for one in standings if one.state == "waiting"}
        errors = {}
        try:
            while sent:
                for reference in self.cluster.ended(list(sent), _LOOK_EVERY):
                    standing = sent.pop(reference)
                    error = _error(self.cluster.result(reference))
                    if error:
                        errors[standing.spec.name] = error
                    self._look_at(standing)
                    standing.state = "failed" if error else "done"
                    self.watcher.changed(standing)
                for standing in sent.values():
                    self._look_at(standing)
                self.watcher.looked()
        except BaseException:
            self.watcher.stopping()
            self.cluster.stop(list(sent))
            raise
        return errors

    def _send(self, standing: Standing, compile: CompileMode) -> Any:
        spec = standing.spec
        status_file(self.environment.sweep, spec.name).unlink(
            missing_ok=True
        )  # of an earlier attempt
        share = self.share
        task = Task(spec.canonical(), share.device, share.cpus, compile, self.environment)
        return self.cluster.send(task, share)

    def _look_at(self, standing: Standing) -> None:
        status = read_status(status_file(self.environment.sweep, standing.spec.name))
        if status and status != standing.status:
            standing.state, standing.status = "at work", status
            self.watcher.changed(standing)


def _environment(ledger: Ledger, registry: Registry, beside: int) -> TaskEnvironment:
    """What the workers must find as it is here, and the mark by which they know; ``beside`` of
    them share the memory of a machine."""
    mark = secrets.token_hex(16)
    (ledger.folder / MARK).write_text(mark, "utf-8")
    given = [plugin.reference for plugin in registry.plugins if not plugin.off]
    return TaskEnvironment(
        folder=os.getcwd(),
        sweep=str(ledger.folder),
        mark=mark,
        zoo=str(ledger.zoo),
        plugins=tuple(_absolute(reference) for reference in given if reference),
        disabled=tuple(plugin.name for plugin in registry.plugins if plugin.off),
        variables={
            name: value
            for name, value in os.environ.items()
            if name.startswith("VAEZOO_") and name != "VAEZOO_PLUGINS"  # they are given already
        }
        | {SHARING: str(beside * runs_beside())},  # each of several sweeps has as many
    )


def _absolute(reference: str) -> str:
    """A plugin's file by its whole path, a module by its name."""
    return os.path.abspath(reference) if os.path.exists(reference) else reference


def _device(name: str) -> str:
    """The device, which Ray chooses the number of. Raises UsageError (VZ610) for one."""
    if ":" not in name:
        return name
    message = f"Ray chooses the device of each run, so that {name!r} cannot be asked for"
    raise UsageError(Diagnostic("VZ610", message, hint="say --device cuda, or leave it out"))


def _error(result: TaskResult) -> RunError | None:
    if result.stopped:
        hint = "the same command goes on with it"
        return RunError(Diagnostic("VZ605", "something else interrupted the run", hint=hint))
    return RunError(*result.errors) if result.errors else None


def _outcome(
    member: Member, ledger: Ledger, error: RunError | None, deadline: float
) -> MemberResult:
    """A member's entry or error; an entry may take some time to show on a shared file system,
    until ``deadline`` by the monotonic clock."""
    spec = member.spec
    assert spec
    values = member.data()
    while error is None:
        entry = ledger.entry(spec)
        if entry:
            return MemberResult(spec, values, entry)
        if time.monotonic() > deadline:
            message = f"its run ended well, but there is no entry of it in {ledger.zoo}"
            error = unfit(message, "use a zoo that all machines of the cluster see")
        else:
            time.sleep(0.2)
    return MemberResult(spec, values, error=error)


def _interrupted(standings: Sequence[Standing]) -> Interrupted:
    done = sum(one.state == "done" for one in standings)
    count = f"{done} of {len(standings)} members are done" if len(standings) > 1 else ""
    how = "the same command goes on with the others where they stopped"
    if not count:
        how = "the same command goes on where it stopped"
    return Interrupted(
        Diagnostic("VZ605", "interrupted", hint="; ".join(filter(None, (count, how))))
    )
