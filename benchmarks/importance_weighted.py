"""Time and memory of the importance-weighted bound on the CPU.

    python benchmarks/importance_weighted.py

Computes the bound with 5,000 draws of z on all 10,000 test images of the entry mnist_mlp20, like
``vaezoo evaluate mnist_mlp20 --iw 5000``, and counts the encoded images.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from table import cpu_model
from torch import Tensor, nn

from vaezoo.components.metrics.bounds import ImportanceWeighted
from vaezoo.evaluation.evaluate_entry import compute_figures, context_of
from vaezoo.registry import Split
from vaezoo.zoo import find

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "importance_weighted.json"


class Counter:
    """Counts the images that go through a module."""

    def __init__(self, module: nn.Module) -> None:
        self.images = 0
        module.register_forward_hook(self._count)

    def _count(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        self.images += len(inputs[0])


def measure(name: str, samples: int, images: int) -> dict[str, Any]:
    """One evaluation: its figure, its time and the peak memory of the process."""
    model = find(name).load()
    context = context_of(model, model.spec.dataset.build(), "test")
    context = replace(context, split=Split(context.split.images[:images], None))
    encoded = Counter(model.encoder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    (figure,) = compute_figures([ImportanceWeighted(samples=samples)], context)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "what": f"importance-weighted bound of {name} on the CPU",
        "samples": samples,
        "images": images,
        "images_encoded": encoded.images,
        "iw_bound": figure.value,
        "standard_error": figure.standard_error,
        "minutes": round(wall / 60, 2),
        "cpu_minutes": round(cpu / 60, 2),
        "draws_per_cpu_second": round(samples * images / cpu),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_megabytes_before": round(before / 1024),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_average_at_the_end": os.getloadavg()[0],
        "versions": {name: metadata.version(name) for name in ("vaezoo", "torch")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", default="mnist_mlp20", help="an entry of the zoo")
    parser.add_argument("--samples", type=int, default=5000, help="draws of z per image")
    parser.add_argument("--images", type=int, default=10_000, help="number of test images")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    report = measure(arguments.name, arguments.samples, arguments.images)
    text = json.dumps(report, indent=2)
    print(text)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
