"""Kill writing commands between any two file system calls, and at random times.

    python benchmarks/faults/kill.py --count 100

At a boundary, a forked process exits immediately; before a sync, its file is also cut in half.
Then the entry must be the old or the new one, and every predecessor complete. The same command must
then complete with the bytes of a run without a kill. Each command is tried on file systems with and
without an atomic exchange of folders.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from common import Tally, options, own_folder
from tiny import ZOO, Found, Torn, World

from vaezoo.zoo import atomic_replace

#: exit codes of a process killed at a boundary, and of a failed one
_KILLED, _FAILED = 77, 78
#: kills of one run before it may complete
_MOST_KILLS = 50
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_EVENTS = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})


@dataclass(frozen=True)
class Command:
    """A command to run on a zoo that ``prepare`` creates."""

    name: str
    prepare: Callable[[World], object]
    give: Callable[[World], object]
    may_delete: bool = False


def _nothing(world: World) -> None:
    pass


def _one(world: World) -> None:
    world.publish(1)


def _trained(world: World) -> None:
    world.run()


def _two(world: World) -> None:
    world.publish(1)
    world.publish(2)


def _three(world: World) -> None:
    _two(world)
    world.publish(3)


COMMANDS = (
    Command("publish a first entry", _nothing, lambda world: world.publish(2)),
    Command("publish over an entry", _two, lambda world: world.publish(3)),
    Command("restore", _three, lambda world: world.restore()),
    Command("prune", _three, lambda world: world.prune(), may_delete=True),
    Command("record", _two, lambda world: world.record()),
    Command("migrate", _trained, lambda world: world.migrate()),
    Command("run", _one, lambda world: world.run()),
    Command("run --fresh", _one, lambda world: world.run(fresh=True)),
)


class Boundaries:
    """Counts calls that change the file system and exits at one of them."""

    def __init__(self, last: int, note: Path) -> None:
        self._left = last
        self._note = note
        self._active = False

    def watch(self) -> None:
        """Start counting. Audit hooks cannot be removed."""
        fsync, exchange, open_ = os.fsync, atomic_replace.exchange, open

        def cutting_fsync(fd: Any) -> None:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                path, half = f"/proc/self/fd/{fd}", status.st_size // 2
                self._step("half a file's fsync", lambda: os.truncate(path, half))
            self._step("fsync")
            fsync(fd)

        def watched_exchange(one: Path, other: Path) -> bool:
            self._step("exchange")
            return exchange(one, other)

        def watched_open(*arguments: Any, **options: Any) -> Any:
            file = open_(*arguments, **options)
            if file.writable():
                self._step("first write")
            return file

        import builtins
        import io

        os.fsync, atomic_replace.exchange = cutting_fsync, watched_exchange
        builtins.open = io.open = watched_open
        sys.addaudithook(self._hear)
        self._active = True

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active:
            return
        if event in _EVENTS:
            self._step(f"{event} {arguments[0]!s}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            self._step(f"open {arguments[0]!s}")

    def _step(self, what: str, harm: Callable[[], object] = lambda: None) -> None:
        self._left -= 1
        if self._left == 0:
            self._active = False
            harm()
            os.write(os.open(self._note, os.O_WRONLY | os.O_CREAT), what.encode())
            os._exit(_KILLED)


def forked(give: Callable[[], object], before: Callable[[], object] = lambda: None) -> int:
    """Run a command in a child process."""
    child = os.fork()
    if child:
        return child
    try:
        before()
        give()
    except BaseException as error:
        with open("error", "w", encoding="utf-8") as file:
            file.write(f"{type(error).__name__}: {error}")
        os._exit(_FAILED)
    os._exit(0)


def ended(child: int) -> int:
    """The exit code of a process, or its signal as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Case:
    """Runs one command on its zoo repeatedly."""

    def __init__(self, world: World, command: Command, folder: Path, has_exchange: bool) -> None:
        self.world, self.command = world, command
        self._start, self._here = folder / "start", folder / "here"
        self._note = folder / "note"
        self._has_exchange = has_exchange
        self._start.mkdir(parents=True)
        os.chdir(self._start)
        _require(ended(forked(lambda: command.prepare(world))) == 0, "it could not be prepared")
        self.before = world.look()
        self._begin()
        began = time.perf_counter()
        _require(ended(forked(self._give, self._slow)) == 0, "it failed without a kill")
        self.seconds = time.perf_counter() - began
        self.after = world.look()

    def _give(self) -> None:
        self.command.give(self.world)

    def _slow(self) -> None:
        if not self._has_exchange:
            atomic_replace.exchange = lambda one, other: False

    def _begin(self) -> None:
        os.chdir(self._start)
        shutil.rmtree(self._here, ignore_errors=True)
        shutil.copytree(self._start, self._here)
        os.chdir(self._here)

    def at_boundary(self, number: int) -> str | None:
        """Kill at one boundary and check; the boundary's name, or None after the last one."""
        self._begin()
        boundaries = Boundaries(number, self._note)

        def before() -> None:
            self._slow()
            boundaries.watch()

        code = ended(forked(self._give, before))
        if code == 0:
            return None
        _require(code == _KILLED, f"at boundary {number}: {self._error()}")
        name = self._note.read_text("utf-8")
        self._note.unlink()
        self._check(f"killed at boundary {number}, {name}")
        return name

    def at_random(self, random_: random.Random) -> int:
        """Kill repeatedly until the command completes, check each time; the number of kills."""
        self._begin()
        kills, when = 0, self.seconds
        while True:
            child = forked(self._give, self._slow)
            time.sleep(random_.uniform(0, when))
            os.kill(child, signal.SIGKILL)
            code = ended(child)
            if code == 0:
                self._check("completed before it was killed", again=False)
                return kills
            kills += 1
            when = self.seconds * (1 + kills / 4)
            _require(code == -signal.SIGKILL, f"kill {kills}: {self._error()}")
            self._look(f"kill {kills} at random")
            if kills > _MOST_KILLS or self.command.name != "run":
                self._check(f"killed {kills} times at random")
                return kills

    def _look(self, what: str) -> Found:
        try:
            found = self.world.look()
        except Torn as torn:
            raise AssertionError(f"{what}: torn: {torn}") from torn
        _require(
            found.entry in (self.before.entry, self.after.entry),
            f"{what}: the entry is {found.entry}, neither the old nor the new one",
        )
        return found

    def _check(self, what: str, again: bool = True) -> None:
        self._look(what)
        if again:
            code = ended(forked(self._give, self._slow))
            _require(code == 0, f"{what}: given again, it failed: {self._error()}")
        found = self._look(what)
        _require(
            found.entry == self.after.entry,
            f"{what}: given again, the entry is {found.entry}, not {self.after.entry}",
        )
        if self.command.may_delete:
            _require(not found.previous, f"{what}: given again, predecessors are left")
        else:
            lost = self.after.previous - found.previous
            _require(not lost, f"{what}: lost {set(lost)}")
            added = Counter(set(found.previous)) - Counter(set(self.after.previous))
            strange = set(added) - {self.before.entry, self.after.entry}
            _require(not strange, f"{what}: there is a predecessor that never was an entry")
        left = [path.name for path in (ZOO / ".staging").iterdir()]
        _require(not left, f"{what}: given again, {left} is left in .staging")
        runs = [path.name for path in Path("runs").glob("*")]
        _require(not runs, f"{what}: given again, {runs} is left in runs")

    def _error(self) -> str:
        path = Path("error")
        return path.read_text("utf-8") if path.exists() else "it ended by itself"


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def kill(tally: Tally, count: int, boundaries: int, names: tuple[str, ...]) -> None:
    """Every command, with and without an exchange: ``boundaries`` at most, ``count`` at random."""
    os.environ["MPLCONFIGDIR"] = (
        tempfile.gettempdir()
    )  # otherwise it is created while runs are killed
    world = World()
    random_ = random.Random(tally.seed)
    chosen = [one for one in COMMANDS if not names or one.name in names]
    cases = [(command, exchange) for command in chosen for exchange in (True, False)]
    for number, (command, exchange) in enumerate(cases):
        kind = f"{command.name}, {'atomic exchange' if exchange else 'two renames'}"
        with own_folder() as folder:
            case = Case(world, command, folder, exchange)
            _every_boundary(case, tally, f"{kind}: every boundary", boundaries, random_)
            share = count // len(cases) + (number < count % len(cases))
            for _ in range(share):
                tally.tried(f"{kind}: at random")
                try:
                    case.at_random(random_)
                except AssertionError as fallen:
                    tally.fell(f"{kind}: at random", str(fallen))
            os.chdir("/")


def _every_boundary(case: Case, tally: Tally, kind: str, most: int, random_: random.Random) -> None:
    """All boundaries, or ``most`` of them chosen at random from the first 200."""
    numbers = range(1, 10_000) if most <= 0 else sorted(random_.sample(range(1, 60), most))
    for number in numbers:
        try:
            if case.at_boundary(number) is None:
                return
        except AssertionError as fallen:
            tally.fell(kind, str(fallen))
        tally.tried(kind)


def main() -> int:
    parser = options(__doc__ or "", count=100)
    parser.add_argument(
        "--boundaries", type=int, default=0, help="boundaries per command; 0 for all"
    )
    parser.add_argument("--only", nargs="*", default=(), help="names of commands")
    given = parser.parse_args()
    tally = Tally(given.seed)
    with contextlib.suppress(KeyboardInterrupt):  # report the attempts so far
        kill(tally, given.count, given.boundaries, tuple(given.only))
    return tally.report("kill", given.out)


if __name__ == "__main__":
    sys.exit(main())
