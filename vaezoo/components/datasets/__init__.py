"""The built-in datasets. Their modules import torch only to load images."""

from __future__ import annotations

from vaezoo.components.datasets.cifar10 import CIFAR10
from vaezoo.components.datasets.handwriting import EMNIST, KMNIST, QMNIST
from vaezoo.components.datasets.image_folder import ImageFolder
from vaezoo.components.datasets.shipped import MNIST, BinarizedMNIST, FashionMNIST
from vaezoo.components.datasets.svhn import SVHN
from vaezoo.registry import Dataset

__all__ = [
    "CIFAR10",
    "COMPONENTS",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "SVHN",
    "BinarizedMNIST",
    "FashionMNIST",
    "ImageFolder",
]

COMPONENTS: list[type[Dataset]] = [
    FashionMNIST,
    MNIST,
    BinarizedMNIST,
    KMNIST,
    QMNIST,
    EMNIST,
    CIFAR10,
    SVHN,
    ImageFolder,
]
