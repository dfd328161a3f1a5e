"""Measure in a fresh Python how much a plugin slows every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

#: Limit of CPU time for importing a plugin, without vaezoo's own imports.
BUDGET_SECONDS = 0.05
_TRIES = 3
_TIMEOUT = 60


#: Key of heavy libraries that the import itself imports, not a component.
AT_IMPORT = "import"


@dataclass(frozen=True)
class Cost:
    """CPU seconds, hooks, heavy libraries by what imported them, and the error if any.

    A library is imported by ``AT_IMPORT``, or by a component, such as ``encoder mine``, in the
    calls that ``vaezoo validate`` makes.
    """

    seconds: float
    hooks: tuple[str, ...] = ()
    heavy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    error: str = ""


@lru_cache(maxsize=64)
def import_cost(reference: str) -> Cost:
    """Import a module or file, call its hooks for components and commands, and measure the cost.

    The fastest of a few tries counts: the first may write bytecode.
    """
    best = Cost(float("inf"))
    for _ in range(_TRIES):
        cost = _measured(reference)
        if cost.error:
            return cost
        best = min(best, cost, key=lambda c: c.seconds)
        if best.seconds < BUDGET_SECONDS:
            break
    return best


def _measured(reference: str) -> Cost:
    command = [sys.executable, "-m", "vaezoo.testing.conformance.fresh_python", reference]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Cost(_TIMEOUT, error=f"not done after {_TIMEOUT} seconds")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it exits with {done.returncode}"]
        return Cost(0.0, error=lines[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    return Cost(found["seconds"], tuple(found["hooks"]), found["heavy"])
