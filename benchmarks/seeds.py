"""Compare seeds of a spec early in training, as for the seed of mnist_keras2.

    python benchmarks/seeds.py
    python benchmarks/seeds.py specs/mnist_keras2.yaml --seeds 20 --images 20000

Trains each seed on the first images of its first epoch, with the same order and initial weights as
``vaezoo run --set train.seed=S``, and keeps the training objective of the last 5,000 of them. Only
training images are used. Seeds that the result file has are not trained again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from vaezoo.data.image_batches import shuffled_batches
from vaezoo.data.placement import arranged
from vaezoo.model import build
from vaezoo.registry import ImageData, discover
from vaezoo.registry.fields import value_at
from vaezoo.spec import Spec, read
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.epoch import scheduled_values
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.loop import build_loss, stream

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "specs" / "mnist_keras2.yaml"
CPU = torch.device("cpu")
#: the figure is a mean over this many images at the end
LAST = 5_000


def objective(spec: Spec, data: ImageData, images: int) -> float:
    """The training objective over the last of ``images`` in full batches, nats per image."""
    seed, plan = spec.train.seed, spec.train
    training = arranged(data, plan.validation, stream(seed, "validation"), CPU).training
    model = build(spec, seed=stream(seed, "weights"))
    state = TrainingState(
        model,
        plan.optimizer.build(model.parameters(), value_at(plan.optimizer.lr, 0)),
        order=torch.Generator().manual_seed(stream(seed, "order")),
        noise=torch.Generator().manual_seed(stream(seed, "noise")),
    )
    step = EagerStep(spec, state, build_loss(spec, CPU))
    order = torch.randperm(len(training), generator=state.order)
    batches = shuffled_batches(training, order, plan.batch_size, step.prepare)
    moments = scheduled_values(spec, 0, math.ceil(len(training) / plan.batch_size))
    count, last = math.ceil(images / plan.batch_size), math.ceil(LAST / plan.batch_size)
    model.train()
    sums = [step(*both) for both in islice(zip(batches, moments, strict=True), count)]
    total = torch.stack(sums[-last:]).sum(0)[step.terms.index("objective")].item()
    return total / (plan.batch_size * len(sums[-last:]))


def describe(name: str, images: int, found: dict[str, float]) -> dict[str, Any]:
    """Median, quartiles and extremes over the seeds, and the best seed."""
    values = list(found.values())
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return {
        "what": f"training objective of {name} over images {images - LAST:,} to {images:,} of its "
        "first epoch, nats an image, by seed",
        "images": images,
        "by_seed": found,
        "seeds": len(values),
        "best_seed": int(min(found, key=lambda seed: found[seed])),
        "best": min(values),
        "lower_quartile": quartiles[0],
        "median": statistics.median(values),
        "upper_quartile": quartiles[2],
        "worst": max(values),
        "torch_threads": torch.get_num_threads(),
        "versions": {name: metadata.version(name) for name in ("vaezoo", "torch")},
    }


def kept(out: Path, images: int) -> dict[str, float]:
    """The seeds of an earlier run with as many images."""
    if not out.exists():
        return {}
    earlier = json.loads(out.read_text("utf-8"))
    return dict(earlier["by_seed"]) if earlier["images"] == images else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", type=Path, nargs="?", default=SPEC)
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds, from 0")
    parser.add_argument("--images", type=int, default=20_000, help="training images per seed")
    arguments = parser.parse_args()
    name = arguments.spec.stem
    out = HERE / "results" / f"seeds_{name}.json"
    found = kept(out, arguments.images)
    data = read(arguments.spec, registry=discover()).dataset.build()
    for seed in range(arguments.seeds):
        if str(seed) in found:
            continue
        spec = read(arguments.spec, overrides=[f"train.seed={seed}"], registry=discover())
        found[str(seed)] = objective(spec, data, arguments.images)
        print(f"seed {seed:3} {found[str(seed)]:8.2f}", flush=True)
        report = describe(name, arguments.images, found)
        out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
