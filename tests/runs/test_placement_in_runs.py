"""``vaezoo run`` reports the placement of images, and the weights do not depend on it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.runs.shell import Shell
from vaezoo.system.safetensors_io import digest, load


def entry(folder: Path) -> tuple[str, str]:
    """The placement in the lock, and the digest of the weights."""
    tensors, header = load(folder / "model.safetensors")
    return json.loads(header["lock"])["images"], digest(tensors)


def test_a_run_reports_its_placement(shell: Shell) -> None:
    spec = shell.write()
    near = shell.run(spec, "--zoo", "near")
    assert "images on the device; precision: float32" in near.err
    assert "while training" not in near.out + near.err
    shell.environment = {"VAEZOO_DEVICE_MEMORY": "0"}
    away = shell.run(spec, "--zoo", "away")
    assert "images in host memory (3.5 kB exceed VAEZOO_DEVICE_MEMORY (0 bytes))" in away.err
    assert "the images stayed in host memory while training" in away.out + away.err
    (here, one), (there, other) = (entry(shell.folder / zoo / "small") for zoo in ("near", "away"))
    assert (here, there) == ("device", "host")
    assert one == other


def test_evaluation_on_training_images_does_not_copy_them(shell: Shell) -> None:
    shell.run(shell.write())
    asked = ("evaluate", "small", "--split", "train", "--json")
    expected = shell.inside(*asked)
    shell.environment = {"VAEZOO_HOST_MEMORY": "0", "VAEZOO_CACHE": str(shell.folder / "cache")}
    assert shell.inside(*asked).out == expected.out
    assert (shell.folder / "cache" / "scratch").is_dir()


def test_an_invalid_memory_limit_is_refused(shell: Shell) -> None:
    shell.environment = {"VAEZOO_DEVICE_MEMORY": "lots"}
    done = shell.inside("run", shell.write(), "--device", "cpu")
    assert done.code == 2
    assert "VZ607" in done.err
    assert "500MB, 2GB, 1.5GiB" in done.err
