"""Compare the time of an epoch in vaezoo and in other training loops.

    python benchmarks/table.py mlp
    python benchmarks/table.py conv
    python benchmarks/table.py mlp --device cuda

Each loop runs in its own process, so that pythae and JAX can be in other environments (``--pythae``
and ``--jax`` give their interpreters). The loops alternate; while one trains, the others wait. The
first round is a warm-up and is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
WORKS = {
    "mlp": "784-400-2-400-784, batch 64",
    "conv": "1-32-64 convolutions, 12 latents, batch 128",
}


@dataclass(frozen=True)
class Way:
    """A script of ``ways/``, its interpreter, its precision, and the checkout that has it."""

    name: str
    script: str
    python: str
    precision: str = "float32"
    checkout: Path = HERE.parent


class Running:
    """A training loop in a waiting process."""

    def __init__(self, way: Way, work: str, images: Path, device: str) -> None:
        self.process = subprocess.Popen(
            [way.python, str(way.checkout / "benchmarks" / "ways" / way.script), work, str(images)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(way.checkout),
                "PRECISION": way.precision,
                "DEVICE": device,
                "JAX_PLATFORMS": device,
            },
        )
        self.about = self._answer()

    def epoch(self) -> float:
        """Seconds of one epoch."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds: float = self._answer()
        return seconds

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise OSError(_last_line(self.process.communicate()[1]))
        return json.loads(line)


def _last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "it ended"


def start(
    ways: Sequence[Way], work: str, images: Path, device: str
) -> tuple[dict[str, Running], dict[str, str]]:
    """The loops that can run on this machine, and why the others cannot."""
    running, missing = {}, {}
    for way in ways:
        try:
            running[way.name] = Running(way, work, images, device)
        except OSError as error:
            absent = "No module named" in str(error) or "No such file" in str(error)
            missing[way.name] = "not installed" if absent else str(error)
        print(f"{way.name}: {missing.get(way.name, 'ready')}", file=sys.stderr, flush=True)
    return running, missing


def alternate(
    ways: Sequence[Way], work: str, count: int, device: str, rounds: int
) -> tuple[dict[str, list[float]], dict[str, str], dict[str, Any]]:
    """Seconds of each loop on ``count`` images, why loops are missing, and what loops report."""
    from vaezoo.registry import discover
    from vaezoo.spec import read

    spec = read(HERE.parent / "specs" / "fashion_mlp2.yaml", registry=discover())
    images = spec.dataset.build().train.images[:count].squeeze(1).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, images)
        running, missing = start(ways, work, path, device)
        try:
            seconds = measure(running, rounds)
        finally:
            for way in running.values():
                way.stop()
    return seconds, missing, {name: way.about for name, way in running.items()}


def measure(running: dict[str, Running], rounds: int) -> dict[str, list[float]]:
    """Seconds of each loop in each round, without the warm-up; the loops alternate."""
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for index in range(rounds + 1):
        for name, way in running.items():
            taken = way.epoch()
            if index:
                seconds[name].append(taken)
            print(f"round {index}  {name:20} {taken:7.2f} s", file=sys.stderr, flush=True)
    return seconds


def floor(work: str, images: int, name: str) -> dict[str, float]:
    """A lower bound for this device: the arithmetic of an epoch at the peak float32 matrix speed,
    and the bytes that Adam moves at the memory bandwidth."""
    import time

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    os.environ["DEVICE"] = name
    sys.path.insert(0, str(HERE / "ways"))
    from networks import network
    from worker import WORKS as SIZES

    from vaezoo.training.execution.precision import matmul_precision

    device = torch.device(name)
    size, model = SIZES[work].batch_size, network(work)
    with FlopCounterMode(display=False) as counter:
        output, mean, log_var = model(torch.rand(size, 1, 28, 28, device=device))
        (output.sum() + mean.sum() + log_var.sum()).backward()
    steps = -(-images // size)
    parameters = sum(p.numel() for p in model.parameters())
    # gradient written and read; weight, mean and square read and written
    moved = 4 * (8 * parameters + size * 784) * steps

    def best(action: Callable[[], object], repeats: int = 10) -> float:
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            action()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
        return min(times)

    square, long = torch.rand(1536, 1536, device=device), torch.rand(2**26, device=device)
    target = torch.empty_like(long)
    with matmul_precision("float32", device):
        peak = 2 * 1536**3 / best(lambda: square @ square)
    bandwidth = 2 * 4 * long.numel() / best(lambda: target.copy_(long))
    return {
        "gflop_per_epoch": counter.get_total_flops() * steps / 1e9,
        "peak_gflops": peak / 1e9,
        "arithmetic_seconds": counter.get_total_flops() * steps / peak,
        "gigabytes_per_epoch": moved / 1e9,
        "gigabytes_per_second": bandwidth / 1e9,
        "bytes_seconds": moved / bandwidth,
        "torch_threads": torch.get_num_threads(),
    }


def cpu_model() -> str:
    """The name of the processor."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu_model() -> str:
    """The name of the GPU."""
    import torch

    return torch.cuda.get_device_name()


def describe(
    work: str,
    images: int,
    device: str,
    seconds: dict[str, list[float]],
    missing: dict[str, str],
    about: dict[str, Any],
) -> dict[str, Any]:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "what": f"an epoch of {images:,} images, {WORKS[work]}",
        "median_seconds": medians,
        "microseconds_per_image": {n: 1e6 * v / images for n, v in medians.items()},
        "times_as_fast_as": {
            other: {name: slow / fast for name, fast in medians.items()}
            for other, slow in medians.items()
            if not other.startswith("vaezoo")
        },
        "not_measured": missing,
        "floor": floor(work, images, device),
        "seconds": seconds,
        "ways": about,
        "device": device if device == "cpu" else gpu_model(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def show(report: dict[str, Any]) -> None:
    medians, others = report["median_seconds"], report["times_as_fast_as"]
    print(f"\n{report['what']}; medians")
    print(f"{'':20}{'seconds':>9}{'µs/image':>10}" + "".join(f"{'× ' + o:>13}" for o in others))
    for name, median in medians.items():
        ratios = "".join(f"{others[other][name]:13.2f}" for other in others)
        print(f"{name:20}{median:9.2f}{report['microseconds_per_image'][name]:10.1f}{ratios}")
    for name, why in report["not_measured"].items():
        print(f"{name:20}{why}")
    at = report["floor"]
    print(
        f"floor: arithmetic {at['arithmetic_seconds']:.2f} s ({at['gflop_per_epoch']:.0f} GFLOP at "
        f"{at['peak_gflops']:.0f} GFLOP/s), bytes {at['bytes_seconds']:.2f} s"
    )
    threads = f"{report['cores']} cores, {at['torch_threads']} threads"
    print(f"{report['device']}; {report['cpu']}, {threads}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after one warm-up")
    parser.add_argument("--images", type=int, default=60_000, help="number of training images")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--pythae", default=sys.executable, help="a Python with pythae")
    parser.add_argument("--jax", default=sys.executable, help="a Python with JAX")
    parser.add_argument("--out", type=Path, help="default results/table_WORK….json")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 0 < arguments.images <= 60_000:
        parser.error("--rounds takes at least 1, --images at most 60000")
    here = sys.executable
    ways = (
        Way("notebook", "notebook.py", here),
        Way("plain", "plain.py", here),
        Way("pythae", "pythae_trainer.py", arguments.pythae),
        Way("jax", "jax_scan.py", arguments.jax),
        Way("vaezoo", "engine.py", here),
        Way("vaezoo bfloat16", "engine.py", here, precision="bfloat16"),
    )
    seconds, missing, about = alternate(
        ways, arguments.work, arguments.images, arguments.device, arguments.rounds
    )
    report = describe(arguments.work, arguments.images, arguments.device, seconds, missing, about)
    show(report)
    suffix = "" if arguments.device == "cpu" else f"_{arguments.device}"
    out = arguments.out or RESULTS / f"table_{arguments.work}{suffix}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
