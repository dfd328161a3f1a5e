"""The small classifiers of the shipped datasets, for features of images."""

from __future__ import annotations

import importlib.resources
import itertools
import json
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn


class ClassifierNet(nn.Module):
    """Convolutions that each halve the image, then two linear layers.

    The features (B, features) are the nonnegative input of the last layer.
    """

    def __init__(
        self, shape: tuple[int, int, int], channels: tuple[int, ...], features: int, classes: int
    ) -> None:
        super().__init__()
        sizes = (shape[0], *channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(sizes)
        )
        height, width = (side >> len(channels) for side in shape[1:])
        self.hidden = nn.Linear(channels[-1] * height * width, features)
        self.classify = nn.Linear(features, classes)
        self.accuracy = 0.0
        self.digest = ""

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> (B, F)."""
        x = images
        for convolution in self.convolutions:
            x = nn.functional.max_pool2d(torch.relu(convolution(x)), 2)
        return torch.relu(self.hidden(x.flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> logits (B, classes)."""
        logits: Tensor = self.classify(self.features(images))
        return logits


def shipped_classifier(name: str) -> ClassifierNet:
    """The shipped classifier of the dataset ``name``, in evaluation mode."""
    file = importlib.resources.files("vaezoo") / "shipped_data" / f"classifier_{name}.safetensors"
    with importlib.resources.as_file(file) as path, safe_open(path, "pt") as opened:
        tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        return from_file(tensors, opened.metadata())


def from_file(tensors: dict[str, Tensor], header: dict[str, Any]) -> ClassifierNet:
    """Load a classifier written by ``tools/train_classifier.py``."""
    shape, plan = json.loads(header["image_shape"]), json.loads(header["plan"])
    classes = int(header["classes"])
    net = ClassifierNet(tuple(shape), tuple(plan["channels"]), plan["features"], classes)
    net.load_state_dict(tensors)
    net.accuracy, net.digest = float(header["test_accuracy"]), header["digest"]
    return net.eval()
