"""Compare training members together with training them one after another.

    python benchmarks/population.py --members 8 --epochs 1
    python benchmarks/population.py --members 16 --device cuda

Prints the seconds of each method, medians over alternating rounds, and their ratio; ``one`` is a
single member. Only training is timed: no evaluation, no pictures, and data are loaded before. Each
method trains the 784-400-2 VAE on Fashion-MNIST at batch size 64; members differ in seed and β.
Steps are compiled according to --compile, with a warm compiler cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import torch

from vaezoo.registry import discover
from vaezoo.spec import Spec
from vaezoo.spec.reader import from_data
from vaezoo.system.devices import choose
from vaezoo.training import Observer, train
from vaezoo.training.ensemble.train import train_together
from vaezoo.training.execution.choose_step import CompileMode

RESULTS = Path(__file__).resolve().parent / "results"


def members(count: int, epochs: int) -> list[Spec]:
    registry = discover()
    data = {
        "vaezoo": 1,
        "dataset": "fashion_mnist",
        "model": {
            "latent": 2,
            "encoder": {"use": "mlp", "hidden": [400]},
            "decoder": {"use": "mlp", "hidden": [400]},
        },
    }
    plan = {"epochs": epochs, "batch_size": 64, "validation": 0}
    return [
        from_data(
            {
                **data,
                "name": f"member{number}",
                "loss": {"use": "elbo", "beta": 1 + number / count},
                "train": {**plan, "seed": number},
            },
            registry,
        )
        for number in range(count)
    ]


def one_after_another(
    specs: list[Spec], device: torch.device, folder: Path, compile: CompileMode
) -> None:
    for spec in specs:
        train(
            spec,
            spec.dataset.build(),
            device=device,
            directory=folder / spec.name,
            observer=Observer(),
            compile=compile,
        )


def together(specs: list[Spec], device: torch.device, folder: Path, compile: CompileMode) -> None:
    reason = train_together(
        specs,
        device=device,
        directory=folder,
        folder_of=lambda spec: folder / spec.name,
        observer=Observer(),
        compile=compile,
    )
    assert reason is None, reason


def seconds(
    way: Callable[..., None], specs: list[Spec], device: torch.device, compile: CompileMode
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        way(specs, device, Path(folder), compile)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", choices=get_args(CompileMode), default="auto")
    parser.add_argument("--out", type=Path, help="default results/population_DEVICE.json")
    chosen = parser.parse_args()
    device, specs = choose(chosen.device), members(chosen.members, chosen.epochs)
    ways: dict[str, Callable[[], float]] = {
        "one": lambda: seconds(one_after_another, specs[:1], device, chosen.compile),
        "one after another": lambda: seconds(one_after_another, specs, device, chosen.compile),
        "together": lambda: seconds(together, specs, device, chosen.compile),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for warmed in (one_after_another, together):
        seconds(warmed, specs[:2], device, chosen.compile)
    for _ in range(chosen.rounds):
        for name, way in ways.items():
            taken[name].append(way())
    medians = {name: statistics.median(times) for name, times in taken.items()}
    report = {
        "what": f"{chosen.members} members of 784-400-2-400-784, {chosen.epochs} epochs, batch 64, "
        f"--compile {chosen.compile}",
        "device": str(device),
        "torch": torch.__version__,
        "median_seconds": medians,
        "together_by_one_after_another": medians["together"] / medians["one after another"],
        "together_by_one": medians["together"] / medians["one"],
        "seconds": taken,
    }
    print(f"{report['what']}; {device}, torch {torch.__version__}")
    for name, median in medians.items():
        print(f"{name:18} {median:8.2f} s")
    print(f"together / one after another: {report['together_by_one_after_another']:.2f}")
    print(f"together / one:               {report['together_by_one']:.2f}")
    out = chosen.out or RESULTS / f"population_{device.type}.json"
    out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
