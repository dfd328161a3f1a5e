"""Training gives the same result with images on the device, in host memory and on disk."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.helpers import registry_with, small_spec, spec_data
from vaezoo import Dataset, ImageData, ImageShape, ImageWriter, Spec, images_on_disk
from vaezoo.data import streamed
from vaezoo.data.placement import ON_DEVICE, place_of
from vaezoo.diagnostics import DivergenceError
from vaezoo.registry.fields import Binarization, binarization
from vaezoo.spec import from_data
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, Trained, train

CPU = torch.device("cpu")
#: Environment variables that force a placement.
FORCED = {
    "device": {},
    "host": {"VAEZOO_DEVICE_MEMORY": "0"},
    "disk": {"VAEZOO_DEVICE_MEMORY": "0", "VAEZOO_HOST_MEMORY": "0"},
}
far = pytest.mark.parametrize("place", ["host", "disk"])


class Patch(pytest.MonkeyPatch):  # type: ignore[misc]
    def to(self, place: str) -> None:
        for name in FORCED["disk"]:
            self.delenv(name, raising=False)
        for name, value in FORCED[place].items():
            self.setenv(name, value)


@pytest.fixture
def patch(tmp_path: Path) -> Iterator[Patch]:
    patch = Patch()
    patch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
    yield patch
    patch.undo()


def blobs(binarize: str = "none") -> ImageData:
    """The small dataset, on disk."""
    stored = small_spec().dataset.build()

    def write(writer: ImageWriter) -> None:
        writer.add("train", stored.train.images, stored.train.labels)
        writer.add("test", stored.test.images, stored.test.labels)

    data = images_on_disk("blobs", ImageShape(1, 6, 6), write, stored.class_names)
    return replace(data, binarization=Binarization(use=binarize))


class Stop(Observer):
    def finished_epoch(self, record) -> None:
        raise KeyboardInterrupt


def run(spec: Spec, data: ImageData, directory: Path, observer: Observer | None = None) -> Trained:
    return train(
        spec, data, device=CPU, directory=directory, observer=observer or Observer(), compile="off"
    )


def result(trained: Trained) -> tuple[str, list]:
    figures = [(record.train, record.validation) for record in trained.history]
    return safetensors_io.digest(trained.model.state_dict()), figures


@far
@pytest.mark.parametrize("binarize", ["none", "dynamic"])
@pytest.mark.parametrize("validation", [0, 0.25])
def test_the_result_does_not_depend_on_the_placement(
    patch: Patch, tmp_path: Path, place: str, binarize: str, validation: float
) -> None:
    spec, data = small_spec(train={"validation": validation}), blobs(binarize)
    patch.to("device")
    near = run(spec, data, tmp_path / "near")
    assert near.execution.images == ON_DEVICE
    patch.to(place)
    away = run(spec, data, tmp_path / "away")
    assert away.execution.images.kind == place
    assert result(away) == result(near)


@far
def test_a_run_resumes_with_another_placement(patch: Patch, tmp_path: Path, place: str) -> None:
    spec, data = small_spec(train={"epochs": 4}), blobs("dynamic")
    patch.to("device")
    straight = run(spec, data, tmp_path / "straight")
    patch.to(place)
    with pytest.raises(KeyboardInterrupt):
        run(spec, data, tmp_path / "stopped", Stop())
    patch.to("device")
    with pytest.raises(KeyboardInterrupt):
        run(spec, data, tmp_path / "stopped", Stop())
    patch.to(place)
    assert result(run(spec, data, tmp_path / "stopped")) == result(straight)


@far
def test_divergence_is_reported_for_every_placement(
    patch: Patch, tmp_path: Path, place: str
) -> None:
    patch.to(place)
    spec = small_spec(train={"epochs": 50, "optimizer": {"use": "sgd", "lr": 1e6}})
    with pytest.raises(
        DivergenceError, match=r"VZ603.*the largest log-variance on these images was"
    ):
        run(spec, blobs(), tmp_path)


def test_a_placement_is_described_with_its_reason(patch: Patch) -> None:
    data = blobs()
    patch.to("device")
    assert str(place_of(data, CPU)) == "images on the device"
    patch.to("host")
    why = "3.5 kB exceed VAEZOO_DEVICE_MEMORY (0 bytes)"
    assert str(place_of(data, CPU)) == f"images in host memory ({why})"
    patch.to("disk")
    assert str(place_of(data, CPU)) == f"images on disk ({why})"
    # images in memory are never on disk
    assert place_of(small_spec().dataset.build(), CPU).kind == "host"


def test_dynamic_binarization_needs_twice_the_memory(patch: Patch) -> None:
    patch.setenv("VAEZOO_DEVICE_MEMORY", "5kB")
    assert place_of(blobs(), CPU) == ON_DEVICE
    place = place_of(blobs("dynamic"), CPU)
    assert place.kind == "host"
    assert place.reason.startswith("3.5 kB, doubled by binarization, exceed")


COUNT = 600


class Large(Dataset, use="large"):
    """Many images in a file, created a few at a time."""

    side: int
    binarize: Binarization = Binarization()

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, self.side, self.side)

    def build(self) -> ImageData:
        data = images_on_disk(f"large-{self.side}", self.image_shape, self._write)
        return replace(data, binarization=self.binarize)

    def _write(self, writer: ImageWriter) -> None:
        for first in range(0, COUNT, 40):
            levels = torch.arange(first, first + 40).remainder(256).to(torch.uint8)
            images = levels.view(-1, 1, 1, 1).repeat(1, *self.image_shape)
            writer.add("train", images)
        writer.add("test", images[:2])


def held() -> int:
    """Anonymous memory of this process, bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


@contextmanager
def measured() -> Iterator[list[int]]:
    """The peak memory inside the block, beyond that before it."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":  # memory that was freed before would be reused
        ctypes.CDLL(None).malloc_trim(0)
    before, most, done = held(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            most[0] = max(most[0], held() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        done.set()
        watching.join()


def run_large(binarize: str, side: int, folder: Path) -> None:
    """Print the placement, peak memory and result of runs from disk and from memory."""
    # smaller blocks, in proportion to a dataset that is small enough for a test
    streamed._PREFETCH_BYTES, binarization._PART_BYTES = 2**20, 2**20
    train_ = {"epochs": 1, "batch_size": 4, "validation": 0.01, "optimizer": "sgd"}
    data = spec_data(dataset={"use": "large", "side": side, "binarize": binarize}, train=train_)
    data["model"] |= {part: {"use": "mlp", "hidden": [1]} for part in ("encoder", "decoder")}
    spec = from_data(data, registry_with(Large))
    images = spec.dataset.build()
    os.environ.update(FORCED["disk"])
    run(small_spec(), blobs(), folder / "first")  # imports everything
    for place in ("disk", "device"):
        os.environ.update(FORCED[place])
        with measured() as most:
            trained = run(spec, images, folder / place)
        for name in FORCED[place]:
            del os.environ[name]
        print(json.dumps([trained.execution.images.kind, most[0], result(trained)]))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's count of anonymous memory")
@pytest.mark.parametrize(("binarize", "side"), [("none", 640), ("dynamic", 512)])
def test_training_from_disk_uses_less_memory_than_the_images(
    patch: Patch, tmp_path: Path, binarize: str, side: int
) -> None:
    patch.to("device")
    # a new process: this one may reuse memory that other tests freed
    code = f"""
from pathlib import Path
from tests.training.test_placement import run_large
run_large({binarize!r}, {side}, Path({str(tmp_path)!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (away, from_disk, result), (near, in_memory, same) = map(json.loads, done.stdout.splitlines())
    assert (away, near) == ("disk", "device")
    assert result == same
    assert in_memory > COUNT * side**2
    assert from_disk < COUNT * side**2 * 2 / 3
