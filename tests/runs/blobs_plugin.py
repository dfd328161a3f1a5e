"""A plugin in a file: a small dataset, and hooks that write events.

Reads ``BLOBS_EVENTS`` (a file to which each hook appends its name), ``BLOBS_PAUSE`` (seconds to
sleep after each epoch), ``BLOBS_RAISE`` (a hook that fails) and ``BLOBS_INTERRUPT`` (an event at
which Ctrl-C is pressed).
"""

from __future__ import annotations

import hashlib
import os
import time

from vaezoo import Dataset, ImageData, ImageShape, Split, hookimpl


class Blobs(Dataset, use="blobs"):
    """Gray 6 × 6 images with one bright square, whose position is the label: four classes."""

    count: int = 96
    wait: float = 0.0

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, 6, 6)

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def build(self) -> ImageData:
        import torch

        time.sleep(self.wait)
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(self.count) % 4
        images = torch.randint(0, 40, (self.count, 1, 6, 6), generator=generator)
        for image, label in zip(images, labels, strict=True):
            top, left = 3 * (int(label) // 2), 3 * (int(label) % 2)
            image[:, top : top + 3, left : left + 3] += 200
        split = Split(images.to(torch.uint8), labels)
        digest = hashlib.sha256(split.images.numpy().tobytes()).hexdigest()
        return ImageData(split, split, self.class_names, digest)


def write(event: str) -> None:
    if os.environ.get("BLOBS_EVENTS"):
        with open(os.environ["BLOBS_EVENTS"], "a") as file:
            file.write(f"{event}\n")
    if os.environ.get("BLOBS_RAISE") == event.split()[0]:
        raise OSError("the recorder is full")
    if os.environ.get("BLOBS_INTERRUPT") == event:
        raise KeyboardInterrupt


@hookimpl
def vaezoo_components():
    return [Blobs]


@hookimpl
def vaezoo_run_started(run):
    write(f"started {run.spec.name}")


@hookimpl
def vaezoo_epoch_finished(run, record):
    write(f"epoch {record.epoch}")
    time.sleep(float(os.environ.get("BLOBS_PAUSE", "0")))


@hookimpl
def vaezoo_run_finished(run, entry):
    write(f"finished {entry.path.name}")


@hookimpl
def vaezoo_run_failed(run, error):
    write(f"failed {type(error).__name__}")
