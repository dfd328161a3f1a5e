"""Let several processes read and write one zoo at once for some minutes.

    python benchmarks/faults/concurrency.py --minutes 10

Publishes, restores, prunes and records go on beside samples, listings and verifications. Whatever
a command says must be true: an entry that is found loads and is one of those that were published,
none is called damaged, and nothing fails but by the documented words, such as that there is no
predecessor to restore. In the end all is whole.

The script is not called concurrent.py: Python would take that for its own package of this name.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import Tally, options, own_folder
from kill import ended, forked
from tiny import NAME, Torn, World

from vaezoo.diagnostics import VaezooError
from vaezoo.evaluation.verify import verify
from vaezoo.system import safetensors_io
from vaezoo.zoo import BrokenEntry, atomic_replace, entries

_SEEDS = 4
#: errors that a command may report where another one was faster
_DOCUMENTED = {
    "restore": ("VZ501", "has no predecessor"),
    "record": ("VZ503", "was replaced while they were computed"),
    "verify": ("VZ502", "was replaced each time while it was verified"),
}


def _sample(world: World) -> None:
    world.sample()


def _list(world: World) -> None:
    found = entries()
    broken = [one for one in found if isinstance(one, BrokenEntry)]
    if broken:
        raise Torn(str(broken[0].problem))
    if NAME not in [one.name for one in found]:
        raise Torn("the entry is not listed")


def _verify(world: World) -> None:
    verdict = verify(NAME, registry=world.registry)
    # the figures are invented; the check is that all files belong to one entry
    wrong = [check for check in verdict.checks if check.passed is False]
    torn = [check for check in wrong if check.what.endswith((".json", ".safetensors", ".md"))]
    if torn:
        raise Torn(str(torn))


def _publish(world: World) -> None:
    world.publish(random.randrange(_SEEDS))


COMMANDS: dict[str, Callable[[World], object]] = {
    "publish": _publish,
    "restore": World.restore,
    "prune": World.prune,
    "record": World.record,
    "sample": _sample,
    "list": _list,
    "verify": _verify,
}
#: relative frequency of each command
_SHARES = {"publish": 3, "restore": 3, "prune": 1, "record": 2, "sample": 4, "list": 3, "verify": 2}


def _work(world: World, number: int, seed: int, until: float, log: Path) -> None:
    """Run commands until a deadline and record their results."""
    random.seed(seed * 1000 + number)
    names = random.choices(list(_SHARES), list(_SHARES.values()), k=1_000_000)
    tried: Counter[str] = Counter()
    fallen: list[tuple[str, str]] = []
    for name in names:
        if time.monotonic() > until:
            break
        tried[name] += 1
        try:
            COMMANDS[name](world)
        except VaezooError as error:
            code, text = _DOCUMENTED.get(name, ("", "none"))
            if error.diagnostics[0].code != code or text not in str(error):
                fallen.append((name, str(error)))
        except Exception as error:
            fallen.append((name, f"{type(error).__name__}: {error}"))
    log.write_text(json.dumps({"tried": tried, "fallen": fallen}), "utf-8")


def concurrent(tally: Tally, seconds: float, processes: int, has_exchange: bool) -> None:
    """Run several processes on one zoo, optionally without an atomic exchange of folders."""
    world = World()
    kind = "atomic exchange" if has_exchange else "two renames"
    if not has_exchange:
        atomic_replace.exchange = lambda one, other: False
    with own_folder() as folder:
        os.chdir(folder)
        world.publish(0)
        known = {safetensors_io.digest(world.model(seed).state_dict()) for seed in range(_SEEDS)}
        until = time.monotonic() + seconds
        children = [
            forked(partial(_work, world, number, tally.seed or 0, until, folder / f"log-{number}"))
            for number in range(processes)
        ]
        for child in children:
            if ended(child) != 0:
                tally.fell(f"{kind}: a process", (folder / "error").read_text("utf-8"))
        for number in range(processes):
            said = json.loads((folder / f"log-{number}").read_text("utf-8"))
            for name, times in said["tried"].items():
                tally.tried(f"{kind}: {name}", times)
            for name, what in said["fallen"]:
                tally.fell(f"{kind}: {name}", what)
        tally.tried(f"{kind}: whole in the end")
        try:
            world.look()
            digest = safetensors_io.digest(world.load().state_dict())
            if digest not in known:
                raise Torn("the entry has weights that nobody published")
        except (Torn, VaezooError) as error:
            tally.fell(f"{kind}: whole in the end", str(error))
        os.chdir("/")


def main() -> int:
    parser = options(__doc__ or "", count=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    tally = Tally(given.seed)
    real = atomic_replace.exchange
    for has_exchange in (True, False):
        atomic_replace.exchange = real
        concurrent(tally, given.minutes * 60 / 2, given.count, has_exchange)
    return tally.report("concurrency", given.out)


if __name__ == "__main__":
    sys.exit(main())
