"""Shared by the fault scripts: counts of attempts and failures, their JSON, temporary folders.

Every script seeds its random numbers from ``--seed``, works only in a folder that it made, and
ends in exit code 1 where anything has fallen.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "results"
#: How many failures of a kind are kept with details.
_KEPT = 20


class Tally:
    """Counts of attempts and failures by kind.

    >>> tally = Tally(seed=0)
    >>> tally.tried("full disk")
    >>> tally.fell("full disk", "vaezoo run ended in 0 and published nothing")
    >>> sys.exit(tally.report("resources"))
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._tried: Counter[str] = Counter()
        self._falls: dict[str, list[str]] = {}

    def tried(self, kind: str, times: int = 1) -> None:
        """Count attempts of a kind."""
        self._tried[kind] += times

    def fell(self, kind: str, what: str) -> None:
        """Record and print a failed attempt of a kind."""
        self._falls.setdefault(kind, []).append(what)
        print(f"FELL  {kind}: {what}", flush=True)

    @property
    def fallen(self) -> int:
        """The number of failed attempts."""
        return sum(map(len, self._falls.values()))

    def as_data(self, name: str) -> dict[str, Any]:
        """The counts as JSON data."""
        kinds = {
            kind: {"tried": count, "fallen": len(self._falls.get(kind, ()))}
            for kind, count in self._tried.items()
        }
        return {
            "what": name,
            "seed": self.seed,
            "tried": self._tried.total(),
            "fallen": self.fallen,
            "kinds": kinds,
            "falls": {kind: falls[:_KEPT] for kind, falls in self._falls.items()},
            "platform": platform.platform(),
            "versions": {
                "python": platform.python_version(),
                **{one: metadata.version(one) for one in ("vaezoo", "torch")},
            },
        }

    def report(self, name: str, out: Path | None = None) -> int:
        """Print the counts and write them to ``out`` or ``benchmarks/results/faults_NAME.json``.

        Returns the exit code: 1 where anything fell.
        """
        data = self.as_data(name)
        width = max(map(len, data["kinds"]), default=0)
        for kind, counts in data["kinds"].items():
            print(f"{kind:{width}}  {counts['tried']:6} tried  {counts['fallen']:4} fallen")
        print(f"{name}: {data['tried']} tried, {data['fallen']} fallen")
        path = out or RESULTS / f"faults_{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
        print(f"written to {path}")
        return 1 if data["fallen"] else 0


@contextmanager
def own_folder(prefix: str = "vaezoo-faults-") -> Iterator[Path]:
    """A temporary folder, removed at the end."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        yield Path(name)


def options(description: str, *, count: int = 100) -> argparse.ArgumentParser:
    """A parser with the options of every script: ``--seed``, ``--count`` and ``--out``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=count, help="number of attempts")
    parser.add_argument("--out", type=Path, default=None, help="JSON file to write")
    return parser


def vaezoo(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
    python: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run ``vaezoo`` in ``folder`` with one thread, and capture its output.

    Bytes that are not UTF-8 are escaped. Raises subprocess.TimeoutExpired.
    """
    return subprocess.run(
        [sys.executable, *python, "-m", "vaezoo", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=timeout,
        check=False,
    )


def is_unexplained(output: str) -> bool:
    """Whether an output shows a bug in vaezoo instead of an error message."""
    return "fault in vaezoo" in output or "Traceback (most recent call last)" in output
