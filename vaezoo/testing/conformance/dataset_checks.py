"""Datasets: bytes in memory that are what they say."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import torch

from vaezoo.data.loading import faults
from vaezoo.diagnostics import DataError
from vaezoo.registry import Dataset, ImageData, Split
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.outcome import NotApplicable, require


class DatasetConformance(ComponentConformance):
    """``class TestMine(DatasetConformance): component = Mine(root=FOLDER)``.

    Nothing is downloaded: where the data are not there, the checks of them are skipped.
    """

    kind: ClassVar[str] = "dataset"
    component: Dataset

    def test_loads(self) -> None:
        """``build`` gives an ImageData of two splits."""
        self._holds("build")

    def test_image_shape(self) -> None:
        """``image_shape`` is that of the images."""
        self._holds("image_shape")

    def test_class_names(self) -> None:
        """``class_names``, where it is known, is that of the loaded data."""
        if self.component.class_names is None:
            raise NotApplicable("class_names is None: it is not known beforehand")
        self._holds("class_names")

    def test_images(self) -> None:
        """Both splits hold uint8 images (N, C, H, W) in host memory that use the whole range."""
        self._holds("images")
        for name, split in self._splits():
            require(
                split.images.max() > 1,
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
        """Labels, where there are any, are integers (N,) and count the class names from 0."""
        self._holds("labels")

    def test_digest(self) -> None:
        """The digest is a SHA-256, the same whenever the same data are loaded."""
        self._holds("digest")
        first, again = self._data, _loaded(self.component)
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

    def _holds(self, subject: str) -> None:
        """What a run asks of the data before it trains, as far as it is about this subject."""
        for fault in faults(self.component, self._given):
            if fault.subject == subject:
                hint = f"; {fault.hint}" if fault.hint else ""
                require(False, f"it gives {fault.given}, not {fault.wanted}{hint}")

    @property
    def _data(self) -> ImageData:
        """What build gives. Raises NotApplicable where that is no ImageData of two splits."""
        if any(fault.subject == "build" for fault in faults(self.component, self._given)):
            raise NotApplicable("build gives no ImageData of two splits")
        assert isinstance(self._given, ImageData)
        return self._given

    @property
    def _given(self) -> object:
        return _kept(type(self.component), json.dumps(self.component.model_dump(mode="json")))

    def _splits(self) -> Iterator[tuple[str, Split]]:
        yield "training", self._data.train
        yield "test", self._data.test


@lru_cache(maxsize=1)  # several checks look at the same data
def _kept(component: type[Dataset], parameters: str) -> object:
    return _loaded(component.model_validate_json(parameters))


def _loaded(dataset: Dataset) -> Any:
    """What build gives. Raises NotApplicable where the data are not there."""
    problem = dataset.problem()
    if problem:
        raise NotApplicable(f"the data cannot be had: {problem}")
    with _offline():
        try:
            return dataset.build()
        except DataError as error:
            raise NotApplicable(error.diagnostics[0].message) from None


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
