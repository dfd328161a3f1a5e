"""Compare the time of an epoch in this checkout and in another one.

    git worktree add ../before REVISION
    python benchmarks/checkouts.py ../before

Both train the variants of ``table.py`` with compiled steps, and alternate. The first round is a
warm-up and is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from table import RESULTS, WORKS, Way, alternate, cpu_model, gpu_model


def compare(work: str, other: Path, images: int, rounds: int, device: str) -> dict[str, Any]:
    """Median seconds of an epoch in both checkouts, and the ratio of their speeds."""
    ways = [
        Way("before", "engine.py", sys.executable, checkout=other.resolve()),
        Way("after", "engine.py", sys.executable),
    ]
    seconds, missing, about = alternate(ways, work, images, device, rounds)
    if missing:
        raise SystemExit("\n".join(f"{name}: {why}" for name, why in missing.items()))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    pairs = [b / a for b, a in zip(seconds["before"], seconds["after"], strict=True)]
    return {
        "what": f"an epoch of {images:,} images, {WORKS[work]}, compiled steps, float32",
        "median_seconds": medians,
        "speed_after_over_before": statistics.median(pairs),
        "made_ready": {name: notes["made_ready"] for name, notes in about.items()},
        "seconds": seconds,
        "versions": about["after"]["versions"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path, help="folder of the other checkout")
    parser.add_argument("--work", choices=WORKS, nargs="*", default=list(WORKS))
    parser.add_argument("--rounds", type=int, default=5, help="rounds after one warm-up")
    parser.add_argument("--images", type=int, default=60_000, help="number of training images")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--out", type=Path, default=RESULTS / "checkouts.json")
    given = parser.parse_args()
    if not (given.before / "benchmarks" / "ways" / "engine.py").is_file():
        parser.error(f"{given.before} is not a checkout of vaezoo with benchmarks/ways/engine.py")
    report: dict[str, Any] = {
        "device": given.device if given.device == "cpu" else gpu_model(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for work in given.work:
        row = compare(work, given.before, given.images, given.rounds, given.device)
        report[work] = row
        print(f"{row['what']}: {row['speed_after_over_before']:.3f} times as fast as before")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
