"""Compare the test ELBO of every fast training mode with eager float32 training.

    python benchmarks/same_figures.py
    python benchmarks/same_figures.py specs/fashion_conv12.yaml

trains the spec (default mnist_mlp20) completely in each mode with three seeds, computes the test
ELBO of each model, and compares the means. The goal: within 0.3 % of eager float32.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from vaezoo.data.image_batches import batches
from vaezoo.data.resident import Resident
from vaezoo.model import VAE
from vaezoo.registry import Batch, discover
from vaezoo.spec import read
from vaezoo.training import Observer, train
from vaezoo.training.execution.choose_step import CompileMode

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "specs" / "mnist_mlp20.yaml"
#: name: (--compile, train.precision); the others are compared with the first
WAYS: dict[str, tuple[CompileMode, str]] = {
    "plain float32": ("off", "float32"),
    "compiled float32": ("on", "float32"),
    "compiled bfloat16": ("on", "bfloat16"),
}
BAR = 0.003
DRAWS = 2


@torch.inference_mode()
def test_loss(model: VAE, images: torch.Tensor) -> float:
    """-ELBO in nats per image, the mean of a few draws of z, in float32."""
    generator = torch.Generator().manual_seed(0)
    total = 0.0
    for x, _ in batches(Resident(images), 1000):
        trace = model.trace(Batch(x), generator, samples=DRAWS)
        total += (trace.reconstruction + trace.kl).sum().item()
    return total / len(images)


def figure(path: Path, way: str, seed: int, epochs: int | None) -> float:
    """The test figure of one run."""
    compile, precision = WAYS[way]
    overrides = [f"train.seed={seed}", f"train.precision={precision}"]
    if epochs:
        overrides.append(f"train.epochs={epochs}")
    spec = read(path, overrides=overrides, registry=discover())
    data = spec.dataset.build()
    with tempfile.TemporaryDirectory() as folder:
        trained = train(
            spec,
            data,
            device=torch.device("cpu"),
            directory=Path(folder),
            observer=Observer(),
            compile=compile,
        )
    return test_loss(trained.model, data.test.images)


def describe(spec: str, figures: dict[str, dict[str, float]]) -> dict[str, Any]:
    """A report of the figures by mode and seed."""
    means = {way: statistics.mean(values.values()) for way, values in figures.items()}
    reference = means[next(iter(WAYS))]
    apart = {way: (mean - reference) / reference for way, mean in means.items()}
    return {
        "what": f"-ELBO of the 10,000 test images after training {spec}, "
        f"{DRAWS} draws of z, nats per image",
        "figures": figures,
        "means": means,
        "relative_to_plain": apart,
        "bar": BAR,
        "holds": all(math.isfinite(value) and abs(value) <= BAR for value in apart.values()),
        "torch_threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "vaezoo": metadata.version("vaezoo"),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", type=Path, nargs="?", default=SPEC)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="fewer than those of the spec, for a quick test")
    arguments = parser.parse_args()
    name = arguments.spec.stem
    out = HERE / "results" / f"same_figures_{name}.json"
    figures: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    for seed in arguments.seeds:
        for way, found in figures.items():
            found[str(seed)] = figure(arguments.spec, way, seed, arguments.epochs)
            print(f"seed {seed}  {way:18} {found[str(seed)]:8.3f}", flush=True)
        report = describe(name, figures)  # saved after each seed: a long job may be interrupted
        out.write_text(json.dumps(report, indent=2) + "\n")
    for way, mean in report["means"].items():
        print(f"{way:18} {mean:8.3f}  {100 * report['relative_to_plain'][way]:+.3f} %")


if __name__ == "__main__":
    main()
