"""Checks of datasets."""

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

    Nothing is downloaded: checks of missing data are skipped.
    """

    kind: ClassVar[str] = "dataset"
    component: Dataset

    def test_loads(self) -> None:
        """``build`` returns an ImageData with two splits."""
        self._holds("build")

    def test_image_shape(self) -> None:
        """``image_shape`` is the shape of the images."""
        self._holds("image_shape")

    def test_class_names(self) -> None:
        """``class_names``, where it is known, is that of the loaded data."""
        if self.component.class_names is None:
            raise NotApplicable("class_names is None: it is not known beforehand")
        self._holds("class_names")

    def test_images(self) -> None:
        """Both splits have uint8 images (N, C, H, W) in host memory, with values up to 255."""
        self._holds("images")
        for name, split in self._splits():
            require(
                split.images.max() > 1,
                f"no pixel of the {name} split is above 1; gray levels go from 0 to 255",
            )

    def test_binary(self) -> None:
        """``binary``, unless None, agrees with the images."""
        declared = self.component.binary
        if declared is None:
            raise NotApplicable("binary is None: unknown in advance")
        for name, split in self._splits():
            # in parts: the images of a dataset on disk may not fit into memory
            parts = split.images.split(1000)
            binary = all(bool(((part == 0) | (part == 255)).all()) for part in parts)
            require(binary or not declared, f"binary is true, but the {name} split has gray pixels")
        require(declared or not binary, "binary is false, but every pixel is black or white")

    def test_classifier(self) -> None:
        """``classifier``, unless None, has features, an accuracy and a digest."""
        classifier = self.component.classifier()
        if classifier is None:
            raise NotApplicable("it has no classifier")
        with torch.no_grad():
            features = classifier.features(self._data.test.images[:3] / 255)
        require(
            features.ndim == 2 and len(features) == 3 and bool(features.isfinite().all()),
            f"its features of 3 images are {tuple(features.shape)}, expected (3, F), finite",
        )
        require(0 < classifier.accuracy <= 1, f"its accuracy is {classifier.accuracy}")
        require(classifier.digest, "its digest is empty")

    def test_labels(self) -> None:
        """Labels, if any, are integers (N,) that index the class names from 0."""
        self._holds("labels")

    def test_digest(self) -> None:
        """The digest is a SHA-256, and equal each time the data are loaded."""
        self._holds("digest")
        first, again = self._data, _loaded(self.component)
        same = torch.equal(first.train.images, again.train.images)
        require(same, "loaded twice, the images differ; use a seed")
        require(first.digest == again.digest, "loaded twice, the digest differs")

    def test_leaves_global_generator_unchanged(self) -> None:
        """Loading does not use torch's global generator."""
        before = torch.get_rng_state()
        _loaded(self.component)
        require(
            torch.equal(before, torch.get_rng_state()),
            "it draws from torch's global generator; use torch.Generator().manual_seed(…)",
        )

    def _holds(self, subject: str) -> None:
        """Apply the checks of a run before training that concern this subject."""
        for fault in faults(self.component, self._given):
            if fault.subject == subject:
                hint = f"; {fault.hint}" if fault.hint else ""
                require(False, f"it returns {fault.given}, not {fault.wanted}{hint}")

    @property
    def _data(self) -> ImageData:
        """The result of build. Raises NotApplicable unless it is an ImageData with two splits."""
        if any(fault.subject == "build" for fault in faults(self.component, self._given)):
            raise NotApplicable("build does not return an ImageData with two splits")
        assert isinstance(self._given, ImageData)
        return self._given

    @property
    def _given(self) -> object:
        return _kept(type(self.component), json.dumps(self.component.model_dump(mode="json")))

    def _splits(self) -> Iterator[tuple[str, Split]]:
        yield "training", self._data.train
        yield "test", self._data.test


@lru_cache(maxsize=1)  # several checks use the same data
def _kept(component: type[Dataset], parameters: str) -> object:
    return _loaded(component.model_validate_json(parameters))


def _loaded(dataset: Dataset) -> Any:
    """The result of build. Raises NotApplicable if the data are missing."""
    problem = dataset.problem()
    if problem:
        raise NotApplicable(f"the data are not available: {problem}")
    with _offline():
        try:
            return dataset.build()
        except DataError as error:
            raise NotApplicable(error.diagnostics[0].message) from None


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Disable name resolution, so that a check does not download gigabytes."""

    def no_address(*_: Any, **__: Any) -> Any:
        raise OSError("checks do not download")

    before = socket.getaddrinfo
    socket.getaddrinfo = no_address
    try:
        yield
    finally:
        socket.getaddrinfo = before
