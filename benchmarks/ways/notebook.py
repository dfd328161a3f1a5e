"""A typical notebook: a DataLoader over PIL images with ToTensor, in the main process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from networks import DEVICE, network, train_epoch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor
from worker import WORKS, serve


class PILImages(Dataset[tuple[Tensor, int]]):
    """Like torchvision's MNIST datasets: a PIL image from the array, then the transform."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), 0


def prepare(work: str, images: np.ndarray):
    loader = DataLoader(PILImages(images), batch_size=WORKS[work].batch_size, shuffle=True)
    model = network(work)
    optimizer = torch.optim.Adam(model.parameters())

    def batches() -> Iterator[Tensor]:
        for x, _ in loader:
            yield x.to(DEVICE)

    return lambda: train_epoch(model, batches(), optimizer), {}


if __name__ == "__main__":
    serve(prepare, "torch", "torchvision", "pillow")
