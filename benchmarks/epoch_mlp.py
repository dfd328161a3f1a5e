"""One epoch of the 784-400-2 VAE on Fashion-MNIST, three ways, side by side on the CPU.

    python benchmarks/epoch_mlp.py

notebook  a DataLoader over a Dataset of PIL images with ToTensor
plain     a plain PyTorch loop over float tensors in memory
vaezoo    vaezoo's own training loop on the variant fashion_mlp2, and its checkpoint

All three see the 60,000 training images in batches of 64, shuffled anew each epoch, and step
with Adam at 1e-3. They take turns (notebook, plain, vaezoo, notebook, ...), so that whatever
else the machine does meets them alike; the first round is a warm-up and does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import plain_variants
import torch
import torchvision
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from vaezoo.fields import value_at
from vaezoo.model import build
from vaezoo.registry import Split, discover
from vaezoo.spec import Spec, read
from vaezoo.training import Observer, checkpoint, loop
from vaezoo.training.epoch import run_epoch
from vaezoo.training.products import fast_float32
from vaezoo.training.roads import take_road
from vaezoo.training.saver import Saver

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "epoch_mlp.json"
SPEC = HERE.parent / "specs" / "fashion_mlp2.yaml"
BATCH_SIZE = 64
LATENT = 2

Epoch = Callable[[], object]


class PILImages(Dataset):
    """What torchvision's MNIST datasets do: a PIL image from the array, then the transform."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.data = images.squeeze(1)
        self.targets = labels
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, target = self.data[index], int(self.targets[index])
        return self.transform(Image.fromarray(image.numpy())), target


def notebook_epoch(images: Tensor, labels: Tensor) -> Epoch:
    """The usual notebook: DataLoader(shuffle=True) in the main process."""
    loader = DataLoader(PILImages(images, labels), batch_size=BATCH_SIZE, shuffle=True)
    model = plain_variants.mlp(LATENT)
    optimizer = torch.optim.Adam(model.parameters())

    def batches() -> Iterator[Tensor]:
        for x, _ in loader:
            yield x

    return lambda: plain_variants.train_epoch(model, batches(), optimizer)


def plain_epoch(images: Tensor) -> Epoch:
    """The same loop over one float tensor of all images."""
    pixels = images.float() / 255
    model = plain_variants.mlp(LATENT)
    optimizer = torch.optim.Adam(model.parameters())

    def epoch() -> object:
        batches = plain_variants.shuffled_batches(pixels, BATCH_SIZE)
        return plain_variants.train_epoch(model, batches, optimizer)

    return epoch


def vaezoo_epoch(spec: Spec, split: Split, folder: Path) -> Epoch:
    """The epoch of ``vaezoo run``, with the checkpoints that it writes.

    Compiling happens in the warm-up round; the seconds it takes are printed.
    """
    seed, device = spec.train.seed, torch.device("cpu")
    model = build(spec)
    state = checkpoint.TrainingState(
        model,
        spec.train.optimizer.build(model.parameters(), value_at(spec.train.optimizer.lr, 0)),
        order=torch.Generator().manual_seed(seed),
        noise=torch.Generator().manual_seed(seed + 1),
    )
    loss, saver = loop.plan_loss(spec, device), Saver(folder / checkpoint.FILE, "benchmark")
    began = time.perf_counter()
    with fast_float32(device):
        step, road = take_road(spec, state, loss, split.images, "auto", Observer())
    print(f"vaezoo: {road}, made ready in {time.perf_counter() - began:.1f} s", flush=True)

    def epoch() -> None:
        with fast_float32(device):
            record = run_epoch(spec, state, step, split, Observer())
        state.history.append(record)
        saver.finished_epoch(state)

    return epoch


def read_spec(root: str | None) -> Spec:
    """The variant, all 60,000 images its training images; ``root`` replaces the shipped ones."""
    overrides = ["train.validation=0"]
    if root is not None:
        overrides.append(f"dataset.root={json.dumps(root)}")
    return read(SPEC, overrides=overrides, registry=discover())


# ---------------------------------------------------------------- timing and report


def timed(epoch: Epoch) -> float:
    began = time.perf_counter()
    epoch()
    return time.perf_counter() - began


def measure(ways: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round, the ways taking turns; the warm-up round is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(rounds + 1):
        for name, epoch in ways.items():
            taken = timed(epoch)
            if index:
                seconds[name].append(taken)
            label = f"round {index}" if index else "warm-up"
            print(f"{label:8}  {name:8}  {taken:6.2f} s", flush=True)
    return seconds


def cpu_model() -> str:
    """The processor as the system names it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe(seconds: dict[str, list[float]], images: int) -> dict:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "what": f"an epoch of {images:,} images, batch {BATCH_SIZE}, 784-400-{LATENT}-400-784",
        "median_seconds": medians,
        "images_per_second": {name: round(images / value) for name, value in medians.items()},
        "times_as_fast_as_notebook": {n: medians["notebook"] / v for n, v in medians.items()},
        "times_as_fast_as_plain": {n: medians["plain"] / v for n, v in medians.items()},
        "seconds": seconds,
        "device": "cpu",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "vaezoo": metadata.version("vaezoo"),
        },
    }


def show(report: dict) -> None:
    print(f"\n{report['what']}; medians of {len(report['seconds']['plain'])} rounds")
    heads = (("seconds", 9), ("(least - most)", 17), ("images/s", 11), ("× notebook", 12))
    print(" " * 10 + "".join(f"{head:>{width}}" for head, width in (*heads, ("× plain", 9))))
    for name, median in report["median_seconds"].items():
        values = report["seconds"][name]
        spread = f"({min(values):.2f} - {max(values):.2f})"
        print(
            f"{name:10}{median:9.2f}{spread:>17}{report['images_per_second'][name]:11,}"
            f"{report['times_as_fast_as_notebook'][name]:12.2f}"
            f"{report['times_as_fast_as_plain'][name]:9.2f}"
        )
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    threads = f"{report['cores']} cores, {report['torch_threads']} torch threads"
    print(f"{report['cpu']}, {threads}; {versions}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="that count, after one warm-up")
    parser.add_argument("--data", help="a torchvision root, instead of the images in the package")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds takes at least 1")
    spec = read_spec(arguments.data)
    split = spec.dataset.build().train
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "notebook": notebook_epoch(split.images, split.labels),
            "plain": plain_epoch(split.images),
            "vaezoo": vaezoo_epoch(spec, split, Path(folder)),
        }
        report = describe(measure(ways, arguments.rounds), len(split))
    show(report)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
