"""Time of `vaezoo run` outside the training loop, and its memory.

    python benchmarks/overhead.py specs/fashion_mlp2.yaml
    python benchmarks/overhead.py specs/mnist_leaky2.yaml --epochs 200 --device cuda

runs the spec in a new process and splits its time: before the first epoch (import, checks, reading
images), the epochs, between them (checkpoints, progress), and evaluation, drawing and publishing at
the end. Compilation, with the import of the compiler, and the import of PyTorch are listed
separately. The validation split is omitted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from table import cpu_model

HERE = Path(__file__).resolve().parent
CLOCK = HERE / "ways" / "clock_plugin.py"
BAR_SECONDS, BAR_SHARE, BAR_MEGABYTES = 3.0, 0.03, 1500


@dataclass(frozen=True)
class Moments:
    """Times of events, in seconds of the system clock."""

    began: float
    started: float
    epochs: list[tuple[float, float]]  # end and duration
    ended: float

    def parts(self) -> dict[str, float]:
        (first, seconds), (last, _) = self.epochs[0], self.epochs[-1]
        later = sum(seconds for _, seconds in self.epochs[1:])
        return {
            "until_the_first_epoch": self.started - self.began,
            "making_the_steps_ready": first - seconds - self.started,
            "epochs": seconds + later,
            "between_epochs": last - first - later,
            "evaluating_drawing_publishing": self.ended - last,
        }


def run(spec: Path, epochs: int, device: str, compile: str) -> Moments:
    """Run the spec once in a new process and discard the entry."""
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        command = [sys.executable, "-m", "vaezoo", "run", str(spec.resolve())]
        command += ["--zoo", folder, "--plugin", str(CLOCK), "--device", device]
        command += ["--compile", compile, "--set", f"train.epochs={epochs}"]
        command += ["--set", "train.validation=0"]
        began = time.time()
        subprocess.run(
            command,
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "VAEZOO_BENCHMARK_CLOCK": str(events)},
        )
        ended = time.time()
        told = [json.loads(line) for line in events.read_text().splitlines()]
    return Moments(
        began,
        told[0]["time"],
        [(event["time"], event["seconds"]) for event in told if event["at"] == "epoch"],
        ended,
    )


def importing_pytorch() -> float:
    """Seconds to import PyTorch in a new process: the median of three."""
    program = "import torch, os; os._exit(0)"
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def measure(spec: Path, epochs: int, device: str, compile: str) -> dict[str, Any]:
    alone = importing_pytorch()
    parts = run(spec, epochs, device, compile).parts()
    overhead = parts["until_the_first_epoch"] + parts["between_epochs"]
    # the time between epochs is proportional to their number, the rest is not
    share = parts["until_the_first_epoch"] / 300 + parts["between_epochs"] / parts["epochs"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "what": f"vaezoo run {spec.name} on {device}, {epochs} epochs, --compile {compile}",
        "seconds": {name: round(value, 3) for name, value in parts.items()},
        "importing_pytorch_alone": round(alone, 3),
        "overhead_seconds": round(overhead, 3),
        "overhead_share_of_five_minutes": round(share, 4),
        "peak_megabytes": round(peak),
        "bars": {
            "overhead under 3 s": overhead < BAR_SECONDS,
            "overhead under 3 % of a run of five minutes": share < BAR_SHARE,
            "under 1,500 MB resident": peak < BAR_MEGABYTES,
        },
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", ""),
        "versions": {name: metadata.version(name) for name in ("vaezoo", "torch")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", choices=["auto", "on", "off"], default="off")
    arguments = parser.parse_args()
    found = measure(arguments.spec, arguments.epochs, arguments.device, arguments.compile)
    report = json.dumps(found, indent=2)
    print(report)
    device = "" if arguments.device == "cpu" else f"_{arguments.device}"
    out = HERE / "results" / f"overhead_{arguments.spec.stem}{device}.json"
    out.write_text(report + "\n")


if __name__ == "__main__":
    main()
