"""The small classifiers that come with the shipped datasets, for features of images."""

from __future__ import annotations

import importlib.resources
import itertools
from typing import Any

import torch
from torch import Tensor, nn

from vaezoo import weights


class ClassifierNet(nn.Module):
    """Three convolutions, the first two halving the image, and a mean over what is left.

    The last layer's input are the features: (B, channels[-1]), not negative.
    """

    def __init__(self, channels: tuple[int, ...], classes: int, image_channels: int = 1) -> None:
        super().__init__()
        sizes = (image_channels, *channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(sizes)
        )
        self.classify = nn.Linear(channels[-1], classes)
        self.accuracy = 0.0
        self.digest = ""

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> (B, F)."""
        x = images
        for layer, convolution in enumerate(self.convolutions):
            x = torch.relu(convolution(x))
            if layer + 1 < len(self.convolutions):
                x = nn.functional.max_pool2d(x, 2)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> logits (B, classes)."""
        logits: Tensor = self.classify(self.features(images))
        return logits


def shipped_classifier(name: str) -> ClassifierNet:
    """The trained classifier that ships for the dataset ``name``, in evaluation mode."""
    file = importlib.resources.files("vaezoo") / "shipped_data" / f"classifier_{name}.safetensors"
    with importlib.resources.as_file(file) as path:
        tensors, header = weights.load(path)
    return from_file(tensors, header)


def from_file(tensors: dict[str, Tensor], header: dict[str, Any]) -> ClassifierNet:
    """A classifier as ``tools/train_classifier.py`` wrote it."""
    channels = tuple(int(size) for size in header["channels"].split())
    net = ClassifierNet(channels, int(header["classes"]))
    net.load_state_dict(tensors)
    net.accuracy, net.digest = float(header["test_accuracy"]), header["digest"]
    return net.eval()
