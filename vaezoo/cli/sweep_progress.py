"""Progress of a sweep on Ray: a bar per member on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import click

from vaezoo.cli.text_tables import counted
from vaezoo.runs.ray import MemberProgress, Status, SweepObserver

if TYPE_CHECKING:
    from rich.progress import TaskID

    from vaezoo.runs.ray.cluster import Cluster, Share

#: Seconds between two lines about the epochs of one member.
_INTERVAL = 10.0


def sweep_progress() -> LiveSweepProgress | PlainSweepProgress:
    """Live progress on a terminal, plain lines otherwise."""
    return LiveSweepProgress() if sys.stderr.isatty() else PlainSweepProgress()


class PlainSweepProgress(SweepObserver):
    """Lines when members start, finish epochs and end, for logs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def connecting(self) -> None:
        self._say("connecting to Ray")

    def sending(self, members: Sequence[MemberProgress], cluster: Cluster, share: Share) -> None:
        self._pace = Pace(members)
        self._last_status: dict[str, Status] = {}
        self._last_line: dict[str, float] = {}
        self._say(describe_sending(members, cluster, share))

    def changed(self, member: MemberProgress) -> None:
        name, status = member.spec.name, member.status
        before = self._last_status.get(name, Status())
        if status:
            self._last_status[name] = status
            for line in new_lines(before, status):
                self._say(f"{name}: {line}")
            if status.last != before.last and self._is_due(name, status):
                left = f"{self._pace.describe_count()}, {self._pace.describe_left()}"
                self._say(f"{name}: {describe_epoch(status)}  ({left})")
        if member.state in ("done", "failed"):
            self._say(f"{name}: {self._pace.describe_end(member)}")

    def stopping(self) -> None:
        self._say("stopping; running members write their checkpoints")

    def _is_due(self, name: str, status: Status) -> bool:
        """Whether the last epoch is done, or the member's last line is old enough."""
        now = time.monotonic()
        elapsed = now - self._last_line.get(name, -_INTERVAL)
        if status.epochs_done < status.epochs and elapsed < _INTERVAL:
            return False
        self._last_line[name] = now
        return True

    def _say(self, text: str) -> None:
        click.echo(text, err=True)


class LiveSweepProgress(SweepObserver):
    """A bar for all members, and one for each running member, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.table import Column

        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[doing]}", table_column=Column(no_wrap=True)),
            console=self._console,
            expand=True,
            refresh_per_second=4,
        )
        self._whole = self._bars.add_task("connecting to Ray", total=None, doing="")
        self._rows: dict[str, TaskID] = {}
        self._last_status: dict[str, Status] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._bars.update(self._whole, visible=False)
        self._bars.stop()

    def sending(self, members: Sequence[MemberProgress], cluster: Cluster, share: Share) -> None:
        self._pace = Pace(members)
        self._print(describe_sending(members, cluster, share))
        self.polled()

    def polled(self) -> None:
        self._bars.update(
            self._whole,
            description=self._pace.describe_count(),
            total=1.0,
            completed=self._pace.part_done(),
            doing=self._pace.describe_left(),
        )

    def changed(self, member: MemberProgress) -> None:
        name, status = member.spec.name, member.status
        if status:
            for line in new_lines(self._last_status.get(name, Status()), status):
                self._print(f"{name}: {line}")
            self._last_status[name] = status
        if member.state in ("done", "failed"):
            self._print(f"{name}: {self._pace.describe_end(member)}")
            if name in self._rows:
                self._bars.remove_task(self._rows.pop(name))
            return
        if name not in self._rows:
            self._rows[name] = self._bars.add_task(name, total=1.0, doing="")
        doing = describe_moment(status) if status else ""
        self._bars.update(self._rows[name], completed=member.part_done, doing=doing)

    def stopping(self) -> None:
        self._bars.update(self._whole, description="stopping", doing="writing checkpoints")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


class Pace:
    """Counts finished members and estimates the time left."""

    def __init__(self, members: Sequence[MemberProgress]) -> None:
        from vaezoo.cli.run_progress import Clock

        self._members = members
        self._first = self.part_done()
        self._clock = Clock(self._first, 1.0)

    def part_done(self) -> float:
        """The finished part of the sweep, from 0 to 1."""
        return sum(one.part_done for one in self._members) / len(self._members)

    def describe_count(self) -> str:
        """Such as ``3 of 8 done, 1 failed``."""
        ended = [one.state for one in self._members]
        failed = f", {ended.count('failed')} failed" if "failed" in ended else ""
        return f"{ended.count('done')} of {len(ended)} done{failed}"

    def describe_left(self) -> str:
        """The time until all members are done; ``-:--`` without progress so far."""
        from vaezoo.cli.run_progress import describe_seconds

        part = self.part_done()
        if part <= self._first:
            return "ETA -:--"
        return f"ETA {describe_seconds(self._clock.left(part))}"

    def describe_end(self, member: MemberProgress) -> str:
        """How a member ended, and the time left for the others."""
        how = "published" if member.state == "done" else "failed, see below"
        left = f", {self.describe_left()}" if self.part_done() < 1 else ""
        return f"{how} ({self.describe_count()}{left})"


def describe_sending(members: Sequence[MemberProgress], cluster: Cluster, share: Share) -> str:
    """The cluster's resources, and how many members run on them."""
    machines = counted(len(cluster.machines), "machine")
    has = f"{cluster.total('CPU'):g} CPUs"
    if cluster.total("GPU"):
        has += f" and {cluster.total('GPU'):g} GPUs"
    waiting = sum(one.state == "waiting" for one in members)
    done = f", {len(members) - waiting} done before" if waiting < len(members) else ""
    at_once = min(cluster.capacity(share), waiting)
    return (
        f"Ray: {has} on {machines}; {counted(waiting, 'member')}, {at_once} at once, "
        f"{share} each{done}"
    )


def new_lines(before: Status, status: Status) -> list[str]:
    """Lines about what is new in a status: warnings, the start of training, its execution."""
    from vaezoo.cli.run_progress import describe_epochs

    lines = [f"warning: {text}" for text in status.warnings[len(before.warnings) :]]
    if status.images and not before.images:
        lines.append(
            f"training on {_device(status)} of {status.host}, {status.images:,} images, "
            f"{describe_epochs(status.epochs_before, status.epochs)}"
        )
    if status.execution and not before.execution:
        lines.append(status.execution)
    return lines


def describe_epoch(status: Status) -> str:
    """Figures of the last complete epoch."""
    from vaezoo.cli.run_progress import describe_means, describe_validation

    return (
        f"epoch {status.epochs_done}/{status.epochs}  {describe_means(dict(status.last))}"
        f"{describe_validation(status.validation)}  {status.images_per_second:,.0f} images/s"
    )


def describe_moment(status: Status) -> str:
    """What a member does now, for its bar."""
    if status.doing != "training":
        return status.doing
    epoch = min(status.epochs_done + 1, status.epochs)
    means = status.means or status.last
    objective = f"  objective {means['objective']:.2f}" if means else ""
    return f"epoch {epoch}/{status.epochs}{objective}"


def _device(status: Status) -> str:
    if status.device != "cpu":
        return status.device
    return f"cpu ({counted(status.threads, 'thread')})"
