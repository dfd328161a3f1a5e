"""Load a dataset and check what it returns."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vaezoo.diagnostics import Diagnostic, PluginError, Severity, warn
from vaezoo.registry import Dataset, ImageData, ImageShape, Split
from vaezoo.registry.blame import blamed, class_path, component_label

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: how many pixels to check for values above 1
_CHECKED_PIXELS = 2**26


@dataclass(frozen=True)
class DataFault:
    """A violation of the contract of ``build``: what is ``given`` and what is ``wanted``.

    ``subject`` is the part of the contract.
    """

    subject: str
    given: str
    wanted: str
    hint: str = ""


def load(dataset: Dataset) -> ImageData:
    """Call a dataset's ``build`` and check the result.

    Labels become int64, and classes without names get their numbers. Warns (VZ611) where no
    pixel is above 1.

    Raises PluginError (VZ303) for a dataset that fails or violates its contract, and passes on
    vaezoo's own errors, such as DataError (VZ601).
    """
    with blamed(dataset, "to load its images"):
        data: object = dataset.build()
    for fault in faults(dataset, data):
        hint = f"{fault.hint}; " if fault.hint else ""
        raise PluginError(
            Diagnostic(
                "VZ303",
                f"{component_label(dataset)} gives {fault.given}, not {fault.wanted}",
                hint=f"{hint}the fault is in {class_path(dataset)}.build",
            )
        )
    assert isinstance(data, ImageData)
    for name, split in (("training", data.train), ("test", data.test)):
        if _is_black(split.images):
            warn(
                Diagnostic(
                    "VZ611",
                    f"no pixel of the {name} images of {dataset.use!r} is above 1",
                    hint="gray levels range from 0 to 255: the images are nearly black",
                    severity=Severity.WARNING,
                )
            )
    return _normalized(data)


def faults(dataset: Dataset, data: object) -> Iterator[DataFault]:
    """Violations of the contract of ``ImageData`` in what ``build`` returned."""
    if not isinstance(data, ImageData):
        yield DataFault("build", _kind(data), "an ImageData")
        return
    shape: object = dataset.image_shape
    if not isinstance(shape, ImageShape):
        yield DataFault("image_shape", f"image_shape as {_kind(shape)}", "an ImageShape")
        return
    splits: tuple[tuple[str, object], ...] = (("training", data.train), ("test", data.test))
    for name, split in splits:
        if not isinstance(split, Split):
            yield DataFault("build", f"{_kind(split)} as its {name} split", "a Split")
            return
        yield from _image_faults(name, split.images, shape)
    digest: object = data.digest
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        yield DataFault(
            "digest",
            f"the digest {data.digest!r}",
            "a SHA-256 of the content in 64 hexadecimal digits",
            "compute it with hashlib.sha256 from images and labels",
        )
    yield from _class_faults(data)
    yield from _declared_class_faults(dataset, data)


def _image_faults(name: str, images: Any, shape: ImageShape) -> Iterator[DataFault]:
    """Faults of a split's images, which must be uint8 (N, C, H, W) in host memory."""
    if not isinstance(images, Tensor):
        hint = "convert it with torch.from_numpy" if type(images).__name__ == "ndarray" else ""
        yield DataFault("images", f"{_kind(images)} as its {name} images", "a torch.Tensor", hint)
        return
    if images.device.type != "cpu" or images.layout != torch.strided:
        yield DataFault(
            "images", f"{name} images on {images.device} as {images.layout}", "a dense CPU tensor"
        )
        return
    if images.dtype != torch.uint8:
        yield DataFault(
            "images",
            f"{name} images in {images.dtype}{_range(images)}",
            "torch.uint8 from 0 to 255",
            _conversion_hint(images),
        )
    wanted = ", ".join(map(str, shape))
    given = ", ".join(map(str, images.shape))
    if images.ndim != 4:
        yield DataFault(
            "images", f"{name} images of shape ({given})", f"(N, C, H, W), here (N, {wanted})"
        )
    elif tuple(images.shape[1:]) != tuple(shape):
        last = tuple(images.permute(0, 3, 1, 2).shape[1:]) == tuple(shape)
        yield DataFault(
            "image_shape",
            f"{name} images of {ImageShape(*images.shape[1:])}",
            f"{shape}, which is its image_shape",
            "put the channels first: images.permute(0, 3, 1, 2)" if last else "",
        )
    if not len(images):
        yield DataFault(
            "images", f"a {name} split without images", "at least one image in each split"
        )


def _class_faults(data: ImageData) -> Iterator[DataFault]:
    """Faults of labels and class names."""
    names: object = data.class_names
    if isinstance(names, str) or not isinstance(names, Sequence):
        yield DataFault("labels", f"{_kind(names)} as its class_names", "a tuple of texts")
        return
    if not all(isinstance(name, str) for name in names):
        yield DataFault(
            "labels", f"class_names that are not all texts: {names!r}", "a tuple of texts"
        )
        return
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        yield DataFault(
            "labels", f"class_names with {twice[0]!r} more than once", "a name for each class"
        )
    splits = (("training", data.train), ("test", data.test))
    if (data.train.labels is None) != (data.test.labels is None):
        yield DataFault(
            "labels", "labels for one split alone", "labels for both splits or for none"
        )
    for name, split in splits:
        if split.labels is not None:
            yield from _label_faults(name, split.labels, len(split.images), len(names))


def _declared_class_faults(dataset: Dataset, data: ImageData) -> Iterator[DataFault]:
    """A fault of the class names that the dataset has before it is loaded."""
    declared: object = dataset.class_names
    if declared is None:
        return
    if not isinstance(declared, tuple) or tuple(data.class_names) != declared:
        yield DataFault("class_names", f"class_names {data.class_names!r}", f"{declared!r}")
    elif declared and data.train.labels is None:
        yield DataFault(
            "class_names", "images without labels", "labels of its class_names", "or return None"
        )


def _label_faults(name: str, labels: Any, images: int, classes: int) -> Iterator[DataFault]:
    if not isinstance(labels, Tensor):
        yield DataFault("labels", f"{_kind(labels)} as its {name} labels", "a torch.Tensor or None")
        return
    if labels.device.type != "cpu" or labels.layout != torch.strided:
        yield DataFault(
            "labels", f"{name} labels on {labels.device} as {labels.layout}", "a dense CPU tensor"
        )
        return
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        yield DataFault("labels", f"{name} labels in {labels.dtype}", "torch.int64", "use .long()")
        return
    if tuple(labels.shape) != (images,):
        shape = ", ".join(map(str, labels.shape))
        yield DataFault(
            "labels",
            f"{name} labels of shape ({shape}) for {images} images",
            f"one number for each image, shape ({images},)",
        )
        return
    if not images:
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes and high >= classes):
        yield DataFault(
            "labels",
            f"{name} labels from {low} to {high} with {classes} class names",
            f"labels from 0 to {classes - 1}" if classes else "labels from 0 on",
        )


def _normalized(data: ImageData) -> ImageData:
    """Labels as int64, class names as a tuple with a name for every class."""
    train, test = (
        split if split.labels is None else Split(split.images, split.labels.long())
        for split in (data.train, data.test)
    )
    names = tuple(data.class_names)
    if not names and train.labels is not None and test.labels is not None:
        count = int(max(train.labels.max(), test.labels.max())) + 1
        names = tuple(map(str, range(count)))
    return replace(data, train=train, test=test, class_names=names)


def _is_black(images: Tensor) -> bool:
    """Whether no checked pixel is above 1."""
    first = images[: max(_CHECKED_PIXELS // max(images[0].numel(), 1), 1)]
    return bool(first.max() <= 1)


def _range(values: Tensor) -> str:
    if not values.numel() or values.is_complex():
        return ""
    low, high = values.min().item(), values.max().item()
    return f" from {low:g} to {high:g}"


def _conversion_hint(images: Tensor) -> str:
    """How to convert images to uint8 without loss of their range."""
    if images.is_complex() or not images.numel():
        return "convert them to torch.uint8"
    if images.dtype == torch.bool:
        return "scale them: images.to(torch.uint8) * 255"
    low, high = images.min().item(), images.max().item()
    if not (math.isfinite(low) and math.isfinite(high)):
        return "replace NaN and infinite values, then scale to 0 to 255"
    if images.is_floating_point() and low >= 0 and high <= 1:
        return "scale them: (images * 255).round().to(torch.uint8)"
    if images.is_floating_point() and low >= -1 and high <= 1:
        return "scale them: ((images + 1) * 127.5).round().to(torch.uint8)"
    if low >= 0 and high <= 255:
        rounded = "images.round()" if images.is_floating_point() else "images"
        return f"convert them: {rounded}.to(torch.uint8)"
    return (
        "scale their range, from LOW to HIGH, to 0 to 255: "
        "((images.double() - LOW) * 255 / (HIGH - LOW)).round().to(torch.uint8)"
    )


def _kind(value: object) -> str:
    name = type(value).__qualname__
    if value is None:
        return "None"
    return f"{'an' if name[0].lower() in 'aeiou' or name == 'ndarray' else 'a'} {name}"
