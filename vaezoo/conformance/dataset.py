"""Datasets: bytes in memory that are what they say."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import torch

from vaezoo.conformance.component import ComponentConformance
from vaezoo.conformance.outcome import NotApplicable, require
from vaezoo.diagnostics import DataError
from vaezoo.registry import Dataset, ImageData, ImageShape, Split

_SHA256 = re.compile(r"[0-9a-f]{64}")


class DatasetConformance(ComponentConformance):
    """``class TestMine(DatasetConformance): component = Mine(root=FOLDER)``.

    Nothing is downloaded: where the data are not there, the checks of them are skipped.
    """

    kind: ClassVar[str] = "dataset"
    component: Dataset

    def test_image_shape(self) -> None:
        """``image_shape`` is that of the images."""
        shape: object = self.component.image_shape
        require(isinstance(shape, ImageShape), f"image_shape is {shape!r}, not an ImageShape")
        require(
            shape == self._data.shape,
            f"image_shape says {shape}, the images are {self._data.shape}",
        )

    def test_images(self) -> None:
        """Both splits hold uint8 images (N, C, H, W) in host memory that use the whole range."""
        for name, split in self._splits():
            images = split.images
            require(
                images.ndim == 4 and images.dtype == torch.uint8 and images.device.type == "cpu",
                f"{name} images are {tuple(images.shape)} in {images.dtype} on {images.device}, "
                "expected (N, C, H, W) in torch.uint8 on the cpu",
            )
            require(len(images), f"the {name} split is empty")
            require(
                tuple(images.shape[1:]) == tuple(self.component.image_shape),
                f"{name} images are {tuple(images.shape[1:])}",
            )
            require(
                images.max() > 1,
                f"no pixel of the {name} split is above 1; grey levels go from 0 to 255",
            )

    def test_binary(self) -> None:
        """``binary``, where it is known, is true of the images."""
        declared = self.component.binary
        if declared is None:
            raise NotApplicable("binary is None: it is not known beforehand")
        for name, split in self._splits():
            # in parts: the images of a dataset on disk are not to be in memory at once
            parts = split.images.split(1000)
            binary = all(bool(((part == 0) | (part == 255)).all()) for part in parts)
            require(binary or not declared, f"binary is true, and the {name} split has grey pixels")
        require(declared or not binary, "binary is false, and every pixel is black or white")

    def test_classifier(self) -> None:
        """``classifier``, where there is one, gives features and says how good it is."""
        classifier = self.component.classifier()
        if classifier is None:
            raise NotApplicable("there is no classifier")
        with torch.no_grad():
            features = classifier.features(self._data.test.images[:3] / 255)
        require(
            features.ndim == 2 and len(features) == 3 and bool(features.isfinite().all()),
            f"its features of 3 images are {tuple(features.shape)}, expected (3, F), finite",
        )
        require(0 < classifier.accuracy <= 1, f"its accuracy is {classifier.accuracy}")
        require(classifier.digest, "its digest is empty")

    def test_labels(self) -> None:
        """Labels, where there are any, are int64 (N,) and count the class names from 0."""
        data = self._data
        for name, split in self._splits():
            labels = split.labels
            if labels is None:
                continue
            require(
                labels.dtype == torch.int64 and labels.shape == (len(split),),
                f"{name} labels are {tuple(labels.shape)} in {labels.dtype} for {len(split)} "
                "images, expected one torch.int64 each",
            )
            low, high = int(labels.min()), int(labels.max())
            require(
                low >= 0 and high < len(data.class_names),
                f"{name} labels go from {low} to {high}, there are {len(data.class_names)} "
                "class names",
            )
        both = [split.labels is None for _, split in self._splits()]
        require(both[0] == both[1], "one split has labels and the other has none")

    def test_digest(self) -> None:
        """The digest is a SHA-256, the same whenever the same data are loaded."""
        first, again = self._data, _loaded(self.component)
        require(
            _SHA256.fullmatch(first.digest),
            f"the digest {first.digest!r} is no SHA-256 of 64 hexadecimal digits",
        )
        same = torch.equal(first.train.images, again.train.images)
        require(same, "loaded twice, the images differ; draw them by a seed")
        require(first.digest == again.digest, "loaded twice, the digest differs")

    def test_draws_nothing_global(self) -> None:
        """Loading leaves torch's generator as it was."""
        before = torch.get_rng_state()
        _loaded(self.component)
        require(
            torch.equal(before, torch.get_rng_state()),
            "it draws from torch's global generator; use torch.Generator().manual_seed(…)",
        )

    @property
    def _data(self) -> ImageData:
        return _kept(type(self.component), json.dumps(self.component.model_dump(mode="json")))

    def _splits(self) -> Iterator[tuple[str, Split]]:
        yield "training", self._data.train
        yield "test", self._data.test


@lru_cache(maxsize=1)  # several checks look at the same data
def _kept(component: type[Dataset], parameters: str) -> ImageData:
    return _loaded(component.model_validate_json(parameters))


def _loaded(dataset: Dataset) -> ImageData:
    """The data. Raises NotApplicable where they are not there."""
    problem = dataset.problem()
    if problem:
        raise NotApplicable(f"the data cannot be had: {problem}")
    with _offline():
        try:
            data: object = dataset.build()
        except DataError as error:
            raise NotApplicable(error.diagnostics[0].message) from None
    if not isinstance(data, ImageData):
        require(False, f"build gives {type(data).__name__}, not ImageData")
        raise AssertionError
    return data


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """No host has an address: a check must not fetch gigabytes."""

    def no_address(*_: Any, **__: Any) -> Any:
        raise OSError("checks download nothing")

    before = socket.getaddrinfo
    socket.getaddrinfo = no_address
    try:
        yield
    finally:
        socket.getaddrinfo = before
