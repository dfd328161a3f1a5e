"""How several runs look that go on at once: a bar each on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import click

from vaezoo.runs.ray import MemberProgress, Status, SweepObserver

if TYPE_CHECKING:
    from rich.progress import TaskID

    from vaezoo.runs.ray.cluster import Cluster, Share

#: Seconds between two lines on the epochs of one member.
_APART = 10.0


def sweep_progress() -> LiveSweepProgress | PlainSweepProgress:
    """The one that suits where messages go."""
    return LiveSweepProgress() if sys.stderr.isatty() else PlainSweepProgress()


class PlainSweepProgress(SweepObserver):
    """Lines as members begin, get on and end, for logs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def connecting(self) -> None:
        self._say("looking for a Ray cluster")

    def sending(self, standings: Sequence[MemberProgress], cluster: Cluster, share: Share) -> None:
        self._all, self._pace = standings, Pace(standings)
        self._heard: dict[str, Status] = {}
        self._spoken: dict[str, float] = {}
        self._say(describe_sending(standings, cluster, share))

    def changed(self, standing: MemberProgress) -> None:
        name, status = standing.spec.name, standing.status
        before = self._heard.get(name, Status())
        if status:
            self._heard[name] = status
            for line in fresh_lines(before, status):
                self._say(f"{name}: {line}")
            if status.last != before.last and self._is_time(name, status):
                left = f"{self._pace.describe_count()}, {self._pace.describe_left()}"
                self._say(f"{name}: {describe_epoch(status)}  ({left})")
        if standing.state in ("done", "failed"):
            self._say(f"{name}: {self._pace.describe_end(standing)}")

    def stopping(self) -> None:
        self._say("stopping; the members at work write their checkpoints")

    def _is_time(self, name: str, status: Status) -> bool:
        """Whether the last epoch is done, or the last line on a member is some time ago."""
        now = time.monotonic()
        if status.epochs_done < status.epochs and now - self._spoken.get(name, -_APART) < _APART:
            return False
        self._spoken[name] = now
        return True

    def _say(self, text: str) -> None:
        click.echo(text, err=True)


class LiveSweepProgress(SweepObserver):
    """A bar for each member at work below one for all, redrawn in place."""

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
        self._whole = self._bars.add_task("looking for a Ray cluster", total=None, doing="")
        self._rows: dict[str, TaskID] = {}
        self._heard: dict[str, Status] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._bars.update(self._whole, visible=False)
        self._bars.stop()

    def sending(self, standings: Sequence[MemberProgress], cluster: Cluster, share: Share) -> None:
        self._pace = Pace(standings)
        self._print(describe_sending(standings, cluster, share))
        self.polled()

    def polled(self) -> None:
        self._bars.update(
            self._whole,
            description=self._pace.describe_count(),
            total=1.0,
            completed=self._pace.part_done(),
            doing=self._pace.describe_left(),
        )

    def changed(self, standing: MemberProgress) -> None:
        name, status = standing.spec.name, standing.status
        for line in fresh_lines(self._heard.get(name, Status()), status) if status else ():
            self._print(f"{name}: {line}")
        if status:
            self._heard[name] = status
        if standing.state in ("done", "failed"):
            self._print(f"{name}: {self._pace.describe_end(standing)}")
            if name in self._rows:
                self._bars.remove_task(self._rows.pop(name))
            return
        if name not in self._rows:
            self._rows[name] = self._bars.add_task(name, total=1.0, doing="")
        doing = describe_moment(status) if status else ""
        self._bars.update(self._rows[name], completed=standing.part_done, doing=doing)

    def stopping(self) -> None:
        self._bars.update(self._whole, description="stopping", doing="writing checkpoints")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


class Pace:
    """How many members are done, and how long the others will take at this rate."""

    def __init__(self, standings: Sequence[MemberProgress]) -> None:
        from vaezoo.cli.run_progress import Clock

        self._standings = standings
        self._first = self.part_done()
        self._clock = Clock(self._first, 1.0)

    def part_done(self) -> float:
        """From 0 to 1, over all members."""
        return sum(one.part_done for one in self._standings) / len(self._standings)

    def describe_count(self) -> str:
        """Such as ``3 of 8 done``, and how many failed."""
        ended = [one.state for one in self._standings]
        failed = f", {ended.count('failed')} failed" if "failed" in ended else ""
        return f"{ended.count('done')} of {len(ended)} done{failed}"

    def describe_left(self) -> str:
        """The time to the end of the last member, once there is something to go by."""
        from vaezoo.cli.run_progress import describe_seconds

        part = self.part_done()
        if part <= self._first:
            return "ETA -:--"
        return f"ETA {describe_seconds(self._clock.left(part))}"

    def describe_end(self, standing: MemberProgress) -> str:
        """That a member ended, and what is left."""
        how = "published" if standing.state == "done" else "failed, see below"
        left = f", {self.describe_left()}" if self.part_done() < 1 else ""
        return f"{how} ({self.describe_count()}{left})"


def describe_sending(standings: Sequence[MemberProgress], cluster: Cluster, share: Share) -> str:
    """What is about to be run, and on how much."""
    machines = f"{len(cluster.machines)} machine{'s'[: len(cluster.machines) > 1]}"
    has = f"{cluster.total('CPU'):g} CPUs"
    if cluster.total("GPU"):
        has += f" and {cluster.total('GPU'):g} GPUs"
    waiting = sum(one.state == "waiting" for one in standings)
    done = f", {len(standings) - waiting} done before" if waiting < len(standings) else ""
    members = f"{waiting} member{'s'[: waiting > 1]}"
    at_once = min(cluster.capacity(share), waiting)
    return f"Ray: {has} on {machines}; {members}, {at_once} at once, {share} each{done}"


def fresh_lines(before: Status, status: Status) -> list[str]:
    """What is to be said of a member for good: where it trains and how, and its warnings."""
    lines = [f"warning: {text}" for text in status.warnings[len(before.warnings) :]]
    if status.images and not before.images:
        going_on = (
            f"going on after epoch {status.epochs_before} of" if status.epochs_before else "for"
        )
        epochs = f"{status.epochs} epoch{'s'[: status.epochs > 1]}"
        lines.append(
            f"training on {_device(status)} of {status.host}, {status.images:,} images, "
            f"{going_on} {epochs}"
        )
    if status.execution and not before.execution:
        lines.append(status.execution)
    return lines


def describe_epoch(status: Status) -> str:
    """How the last whole epoch went."""
    from vaezoo.cli.run_progress import describe_means, describe_validation

    return (
        f"epoch {status.epochs_done}/{status.epochs}  {describe_means(dict(status.last))}"
        f"{describe_validation(status.validation)}  {status.images_per_second:,.0f} images/s"
    )


def describe_moment(status: Status) -> str:
    """What a member does, in few words."""
    if status.doing != "training":
        return status.doing
    epoch = min(status.epochs_done + 1, status.epochs)
    means = status.means or status.last
    objective = f"  objective {means['objective']:.2f}" if means else ""
    return f"epoch {epoch}/{status.epochs}{objective}"


def _device(status: Status) -> str:
    if status.device != "cpu":
        return status.device
    return f"cpu ({status.threads} thread{'s'[: status.threads > 1]})"
