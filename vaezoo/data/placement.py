"""Where the images of a run are stored: on the device, in host memory, or on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch

from vaezoo.data.binarize import held_out_images
from vaezoo.data.image_batches import Images
from vaezoo.data.memory_budget import budget_in_host, budget_on
from vaezoo.data.memory_mapped import is_on_disk
from vaezoo.data.resident import Resident, held_out_rows, split_validation
from vaezoo.data.streamed import Streamed, gather_sorted
from vaezoo.registry import ImageData, Split
from vaezoo.system.files import in_units

#: Parallel reads: a disk is faster with several at once.
_READ_THREADS = 4


@dataclass(frozen=True)
class Placement:
    """Where images are stored, and why not closer to the device."""

    kind: Literal["device", "host", "disk"]
    reason: str = ""

    def __str__(self) -> str:
        if self.kind == "device":
            return "images on the device"
        where = "in host memory" if self.kind == "host" else "on disk"
        return f"images {where} ({self.reason})"


ON_DEVICE = Placement("device")


@dataclass(frozen=True)
class Arranged:
    """A run's training and validation images, and where they are stored."""

    training: Images
    validation: Images | None
    place: Placement


def arranged(data: ImageData, fraction: float, seed: int, device: torch.device) -> Arranged:
    """The training and validation images, stored as close to the device as memory allows.

    Labels, if there are any, are on the device. See ``without_labels``.

    Raises ValueError as ``split_validation``, RunError (VZ503) where binarized images fit neither
    in memory nor on disk, UsageError (VZ607) as ``budget_on``.
    """
    place = place_of(data, device)
    if place.kind != "device":
        return _arranged_streams(data, fraction, seed, device, place)
    training, validation = split_validation(data.train, fraction, seed)
    held_out = None
    if validation:
        validation = held_out_images(validation, data.binarization)
        held_out = _resident(validation, device)
    return Arranged(_resident(training, device), held_out, place)


def without_labels(data: ImageData) -> ImageData:
    """The data of a run that does not use the labels of its training images."""
    return replace(data, train=Split(data.train.images))


def _resident(split: Split, device: torch.device) -> Resident:
    labels = None if split.labels is None else split.labels.to(device)
    return Resident(split.images.to(device), labels)


def _arranged_streams(
    data: ImageData, fraction: float, seed: int, device: torch.device, place: Placement
) -> Arranged:
    images, labels, how = data.train.images, data.train.labels, data.binarization
    kept, held_out = held_out_rows(len(images), fraction, seed)
    stream = partial(Streamed, images)
    if place.kind == "disk":
        stream = partial(Streamed, images, gather=gather_sorted, threads=_READ_THREADS)
    if held_out is None:
        return Arranged(stream(device, labels=labels), None, place)
    of_kept, of_held_out = (None if labels is None else labels[rows] for rows in (kept, held_out))
    validation = stream(device, rows=held_out, labels=of_held_out)
    if how.use == "dynamic":
        # drawn on the CPU, so independent of the device
        on_cpu = validation.to(torch.device("cpu"))
        validation = on_cpu.drawn(how.generator("validation")).to(device)
    return Arranged(stream(device, rows=kept, labels=of_kept), validation, place)


def place_of(data: ImageData, device: torch.device) -> Placement:
    """The closest place to the device with memory for the training images and copies of them."""
    needed, binarized = data.train.images.nbytes, data.binarization.use == "dynamic"
    budget = budget_on(device)
    if budget is None or needed * (1 + binarized) <= budget.bytes:
        return ON_DEVICE
    in_host = budget_in_host()
    fits = in_host is None or needed <= in_host.bytes
    doubled = ", doubled by binarization," if binarized else ""
    reason = f"{in_units(needed)}{doubled} exceed {budget.source}"
    if fits or not is_on_disk(data.train.images):
        return Placement("host", reason)
    return Placement("disk", reason)
