"""Corrupt and forge what a remote zoo answers: nothing of it may be accepted.

    python benchmarks/faults/remote.py --count 1000

A web server on loopback serves a zoo with one entry. In every attempt it answers one path, or
all, with something else: bytes changed, cut, added; connections cut; wrong ranges, redirects,
endless answers; and forged zoos, whose digests all fit but which no honest server has. Every pull
with an empty cache must end in an error with a code, and keep nothing. Nothing may be written
outside the cache, no other host asked, and no memory filled.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from common import Tally, options, own_folder
from remote_cases import CORRUPTED, FORGED, Pushed
from tiny import NAME, World

from tests.zoo.remote.servers import WebServer, web_server
from vaezoo.diagnostics import VaezooError
from vaezoo.zoo.remote import fetch_entry, http_files
from vaezoo.zoo.remote.address import zoo_address
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.upload_entry import planned_upload, upload

_CODES = {"VZ507", "VZ508", "VZ501"}
_SECONDS, _MEGABYTES = 20.0, 200.0
#: Share of attempts with a forged zoo.
_FORGED = 0.4


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def problem_of(world: World, server: WebServer, expected: dict[str, bytes] | None) -> str | None:
    """What is wrong with a pull that must give ``expected``, or be refused if that is None."""
    folder = Path.cwd()
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        os.environ["VAEZOO_CACHE"] = cache
        outside = sorted(path.name for path in folder.iterdir())
        began = time.monotonic()
        try:
            pulled = pull(f"{server.address}/zoo/{NAME}", registry=world.registry)
            if contents(pulled.entry.path) != expected:
                return "something was accepted"
        except VaezooError as error:
            code = error.diagnostics[0].code
            if expected is not None:
                return f"the honest zoo was refused: {error}"
            if code not in _CODES:
                return f"it ended in {code}: {error}"
            if list(Path(cache).glob("remote/entries/*")):
                return "it was refused and kept"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        if time.monotonic() - began > _SECONDS:
            return f"it took {time.monotonic() - began:.0f} s"
        if sorted(path.name for path in folder.iterdir()) != outside:
            return "something was written outside the cache"
    return None


def attack(tally: Tally, count: int) -> None:
    chance = random.Random(tally.seed)
    fetch_entry._PAUSES = (0.0, 0.0, 0.0)
    world = World()
    entry = world.publish(0)
    upload(planned_upload(entry, zoo_address(f"file://{Path.cwd()}/www/zoo"), "mit"))
    expected = contents(entry.path)
    pushed = Pushed.read(Path("www/zoo"), NAME)
    with web_server(Path("www")) as server, web_server(Path("other")) as other:
        tally.tried("unchanged")
        if problem := problem_of(world, server, expected):
            tally.fell("unchanged", problem)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(count):
            forged = chance.random() < _FORGED
            cases = FORGED if forged else CORRUPTED
            kind = chance.choice(list(cases))
            server.fault = cases[kind](pushed, chance, other.address)
            tally.tried(kind)
            if problem := problem_of(world, server, None):
                tally.fell(kind, f"attempt {number}: {problem}")
        used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        tally.tried("memory")
        if used > _MEGABYTES:
            tally.fell("memory", f"{used:.0f} MB more")
        tally.tried("other hosts")
        if other.requests:
            tally.fell("other hosts", f"{len(other.requests)} requests reached another host")


def main() -> int:
    given = options(__doc__ or "", count=1000).parse_args()
    tally = Tally(given.seed)
    http_files._TIMEOUT = (2.0, 2.0)
    out = given.out.absolute() if given.out else None
    with own_folder() as folder:
        os.chdir(folder)
        os.environ["VAEZOO_CONFIG"] = str(folder / "config")
        for name in ("www", "other"):
            (folder / name).mkdir()
        attack(tally, given.count)
        os.chdir("/")
    return tally.report("remote", out)


if __name__ == "__main__":
    sys.exit(main())
