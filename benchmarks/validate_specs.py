"""Time of ``vaezoo validate`` for the shipped specs, and for a thousand specs in one call.

    python benchmarks/validate_specs.py

Each case is a new process, as users and CI start it. Three cases alternate, so that other load on
the machine affects them equally:

libraries  a Python that only imports click, pluggy, pydantic and PyYAML
specs      vaezoo validate specs
thousand   vaezoo validate FOLDER, with 1,000 different specs made from the shipped ones

The first round is a warm-up and is not counted. Both wall-clock and processor time are recorded;
they differ on a shared machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from table import cpu_model

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "validate_specs.json"
SPECS = HERE.parent / "specs"
THOUSAND = 1_000
#: Upper limits of the times, in seconds.
BARS = {"specs": 0.3, "thousand": 3.0}


@dataclass(frozen=True)
class Time:
    """Seconds of one process."""

    wall: float
    processor: float


def write_specs(folder: Path, count: int) -> None:
    """Write specs with different names and seeds."""
    whole = {path.stem: path.read_text("utf-8") for path in sorted(SPECS.glob("*.yaml"))}
    texts = [(name, text) for name, text in whole.items() if not text.startswith("extends:")]
    for number in range(count):
        name, text = texts[number % len(texts)]
        text = text.replace(f"name: {name}\n", f"name: {name}_{number}\n")
        text = text.replace("seed: 0\n", f"seed: {number}\n")
        (folder / f"{number:04}.yaml").write_text(text, "utf-8")


def timed(command: list[str]) -> Time:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=HERE.parent, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    user = after.ru_utime - before.ru_utime
    return Time(wall, user + after.ru_stime - before.ru_stime)


def measure(ways: dict[str, list[str]], rounds: int) -> dict[str, list[Time]]:
    """The times of each case in each round after the warm-up."""
    times: dict[str, list[Time]] = {name: [] for name in ways}
    for index in range(rounds + 1):
        for name, command in ways.items():
            taken = timed(command)
            if index:
                times[name].append(taken)
            label = f"round {index}" if index else "warm-up"
            shown = f"{taken.wall:6.3f} s wall clock, {taken.processor:6.3f} s processor"
            print(f"{label:8}  {name:9}  {shown}", flush=True)
    return times


def describe(times: dict[str, list[Time]]) -> dict[str, Any]:
    def summary(values: list[float]) -> dict[str, float]:
        return {"least": min(values), "median": statistics.median(values), "most": max(values)}

    return {
        "what": f"vaezoo validate as a process: the shipped specs, and {THOUSAND:,} specs",
        "bars_seconds": BARS,
        "wall_seconds": {name: summary([t.wall for t in ts]) for name, ts in times.items()},
        "processor_seconds": {
            name: summary([t.processor for t in ts]) for name, ts in times.items()
        },
        "rounds": {name: [asdict(t) for t in ts] for name, ts in times.items()},
        "shipped_specs": len(list(SPECS.glob("*.yaml"))),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("pydantic", "pyyaml", "click", "vaezoo")},
        },
    }


def show(report: dict[str, Any]) -> None:
    print(f"\n{report['what']}; medians (least - most) of {len(report['rounds']['specs'])} rounds")
    for kind in ("wall", "processor"):
        for name, its in report[f"{kind}_seconds"].items():
            bar = f", limit {BARS[name]} s" if name in BARS else ""
            spread = f"({its['least']:.3f} - {its['most']:.3f})"
            print(f"{kind:10}{name:10}{its['median']:7.3f} s {spread}{bar}")
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    print(f"{report['cpu']}, {report['cores']} cores; {versions}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds after one warm-up")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds takes at least 1")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        write_specs(Path(name), THOUSAND)
        validate = [sys.executable, "-m", "vaezoo", "validate"]
        libraries = "import click, pluggy, pydantic.main, yaml"
        ways = {
            "libraries": [sys.executable, "-c", libraries],
            "specs": [*validate, "specs"],
            "thousand": [*validate, name],
        }
        report = describe(measure(ways, arguments.rounds)) | {"load_average_before": load}
    show(report)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
