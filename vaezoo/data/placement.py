"""Where the images of a run lie while it trains: on the device, in host memory, or on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch

from vaezoo.data.binarize import held_out_images
from vaezoo.data.image_batches import Images
from vaezoo.data.memory_budget import budget_in_host, budget_on
from vaezoo.data.memory_mapped import is_on_disk
from vaezoo.data.resident import Resident, held_out_rows, split_validation
from vaezoo.data.streamed import Streamed, gather_by_place
from vaezoo.registry import ImageData
from vaezoo.system.files import in_units

#: Reads that a disk is asked for at once: it answers several faster than one after another.
_READERS = 4


@dataclass(frozen=True)
class Placement:
    """Where images lie, and why not nearer to the device."""

    kind: Literal["device", "host", "disk"]
    reason: str = ""

    def __str__(self) -> str:
        if self.kind == "device":
            return "images on the device"
        where = "stay in host memory" if self.kind == "host" else "are read from disk"
        return f"images {where}: {self.reason}"


ON_DEVICE = Placement("device")


@dataclass(frozen=True)
class Arranged:
    """A run's training and validation images, and where they lie."""

    training: Images
    validation: Images | None
    place: Placement


def arranged(data: ImageData, fraction: float, seed: int, device: torch.device) -> Arranged:
    """The training split in two, as ``split_validation`` divides it, at the place that suits.

    Raises ValueError as ``split_validation`` does, RunError (VZ503) where images are to be
    binarised and neither memory nor disk has room for that, UsageError (VZ607) as ``budget_on``.
    """
    place = place_of(data, device)
    if place.kind != "device":
        return _streamed(data, fraction, seed, device, place)
    training, validation = split_validation(data.train, fraction, seed)
    held_out = None
    if validation:
        validation = held_out_images(validation, data.binarization)
        held_out = Resident(validation.images.to(device))
    return Arranged(Resident(training.images.to(device)), held_out, place)


def _streamed(
    data: ImageData, fraction: float, seed: int, device: torch.device, place: Placement
) -> Arranged:
    images, how = data.train.images, data.binarization
    kept, held_out = held_out_rows(len(images), fraction, seed)
    stay = partial(Streamed, images)
    if place.kind == "disk":
        stay = partial(Streamed, images, by=gather_by_place, threads=_READERS)
    if held_out is None:
        return Arranged(stay(device), None, place)
    validation = stay(device, rows=held_out)
    if how.use == "dynamic":
        # drawn on the CPU, and so the same whatever the device
        there = stay(torch.device("cpu"), rows=held_out)
        validation = there.drawn(how.generator("validation")).to(device)
    return Arranged(stay(device, rows=kept), validation, place)


def place_of(data: ImageData, device: torch.device) -> Placement:
    """The nearest place with room for the training images and for what is made of them."""
    needed, binarized = data.train.images.nbytes, data.binarization.use == "dynamic"
    budget = budget_on(device)
    if budget is None or needed * (1 + binarized) <= budget.bytes:
        return ON_DEVICE
    in_host = budget_in_host()
    fits = in_host is None or needed <= in_host.bytes
    again = ", and as much again binarised," if binarized else ""
    reason = f"their {in_units(needed)}{again} are more than {budget.said}"
    if fits or not is_on_disk(data.train.images):
        return Placement("host", reason)
    return Placement("disk", reason)
