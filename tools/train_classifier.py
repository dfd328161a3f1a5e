"""Train the small classifiers in whose features samples are compared.

    python tools/train_classifier.py [DATASET ...]

Reads ``tools/classifier.yaml`` and writes ``vaezoo/shipped_data/classifier_*.safetensors``, whose
header holds the settings, the accuracy on the test images and the digest of the weights.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from vaezoo.components.nets.classifier import ClassifierNet
from vaezoo.data.pixels import to_unit
from vaezoo.registry import ImageData, discover
from vaezoo.system import safetensors_io

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "vaezoo" / "shipped_data"


def main() -> None:
    plan = yaml.safe_load((HERE / "classifier.yaml").read_text())
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("datasets", nargs="*", default=plan["datasets"], metavar="DATASET")
    for name in parser.parse_args().datasets:
        dataset: Any = discover().find("dataset", name).component()
        data = dataset.build()
        net = train(plan, data)
        write(name, plan, data, net)


def train(plan: dict[str, Any], data: ImageData) -> ClassifierNet:
    """A classifier of the training images; says the accuracy on the test images as it goes."""
    torch.manual_seed(plan["seed"])
    assert data.train.labels is not None
    images, labels = to_unit(data.train.images), data.train.labels.long()
    net = ClassifierNet(
        data.shape, tuple(plan["channels"]), plan["features"], len(data.class_names)
    )
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=plan["lr"], weight_decay=plan["weight_decay"], fused=True
    )
    steps = math.ceil(len(images) / plan["batch_size"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps * plan["epochs"])
    for epoch in range(plan["epochs"]):
        net.train()
        for chosen in torch.randperm(len(images)).split(plan["batch_size"]):
            moved = shifted(images[chosen], plan["shift"])
            loss = torch.nn.functional.cross_entropy(net(moved), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: test accuracy {accuracy(net.eval(), data):.4f}", flush=True)
    return net.eval()


def shifted(images: Tensor, most: int) -> Tensor:
    """Each image moved by up to ``most`` pixels each way, what moves in is black."""
    side = images.shape[-1]
    padded = torch.nn.functional.pad(images, (most,) * 4)
    rows, columns = torch.randint(0, 2 * most + 1, (2, len(images), 1)) + torch.arange(side)
    return padded[torch.arange(len(images))[:, None, None], 0, rows[:, :, None], columns[:, None]][
        :, None
    ]


@torch.inference_mode()
def accuracy(net: ClassifierNet, data: ImageData) -> float:
    """The fraction of test images that are classified rightly."""
    assert data.test.labels is not None
    right = [
        (net(to_unit(images)).argmax(1) == labels).sum()
        for images, labels in zip(
            data.test.images.split(1000), data.test.labels.split(1000), strict=True
        )
    ]
    return int(sum(right)) / len(data.test)


def write(name: str, plan: dict[str, Any], data: ImageData, net: ClassifierNet) -> None:
    """The weights with what they are, as a file of the package."""
    tensors = net.state_dict()
    header = {
        "format": "vaezoo-classifier-1",
        "dataset": name,
        "dataset_digest": data.digest,
        "image_shape": json.dumps(list(data.shape)),
        "classes": str(len(data.class_names)),
        "plan": json.dumps(plan, sort_keys=True),
        "test_accuracy": f"{accuracy(net, data):.4f}",
        "digest": safetensors_io.digest(tensors),
    }
    path = OUTPUT / f"classifier_{name}.safetensors"
    safetensors_io.save(path, tensors, header)
    print(f"{path}: {path.stat().st_size:,} bytes, test accuracy {header['test_accuracy']}")


if __name__ == "__main__":
    main()
