"""What a plugin costs every command: measured in a fresh Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

#: CPU time that importing a plugin may take, beyond what vaezoo imports itself.
BUDGET_SECONDS = 0.05
_TRIES = 3
_PATIENCE = 60


#: What brings heavy libraries in where it is the import itself, and no component.
AT_IMPORT = "import"


@dataclass(frozen=True)
class Cost:
    """CPU seconds, the hooks, the heavy libraries by what brought them in, and what went wrong.

    A library is brought in by ``AT_IMPORT``, or by a component, such as ``encoder mine``, when
    it is asked the cheap questions that ``vaezoo validate`` asks.
    """

    seconds: float
    hooks: tuple[str, ...] = ()
    heavy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    error: str = ""


@lru_cache(maxsize=64)
def import_cost(reference: str) -> Cost:
    """Import a module or file, ask its hooks for components and commands, and look.

    The least of a few tries counts: the first may have bytecode to write.
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
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Cost(_PATIENCE, error=f"it is not done after {_PATIENCE} seconds")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it exits with {done.returncode}"]
        return Cost(0.0, error=lines[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    return Cost(found["seconds"], tuple(found["hooks"]), found["heavy"])
