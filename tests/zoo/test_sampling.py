"""Samples as files: their bytes are reckoned first, and few are in memory at a time."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import vaezoo
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.model import vae
from vaezoo.system import safetensors_io
from vaezoo.zoo.sampling import SampleGrid, write_samples


def test_an_array_in_blocks_has_the_bytes_of_numpys_own(tmp_path: Path) -> None:
    images = torch.rand(7, 1, 4, 4)
    sheet = SampleGrid(tmp_path / "a.npy", "npy", 7, (1, 4, 4))
    write_samples(sheet, images.split(3), {})
    whole = io.BytesIO()
    np.save(whole, images.numpy())
    assert sheet.path.read_bytes() == whole.getvalue()


def test_tensors_in_blocks_have_the_bytes_of_the_whole(tmp_path: Path) -> None:
    images, header = torch.rand(7, 1, 4, 4), {"model": "tiny"}
    sheet = SampleGrid(tmp_path / "a.safetensors", "safetensors", 7, (1, 4, 4))
    write_samples(sheet, images.split(3), header)
    safetensors_io.save(tmp_path / "b.safetensors", {"images": images}, header)
    assert sheet.path.read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_more_than_the_disk_has_is_refused_with_the_amounts(tmp_path: Path) -> None:
    sheet = SampleGrid(tmp_path / "a.npy", "npy", 10**12, (1, 28, 28))
    with pytest.raises(ZooError, match=r"VZ503: 1,000,.* samples are 3,136,000 GB, .* free"):
        sheet.check_size()


def test_a_grid_too_large_for_viewers_is_rejected_with_a_hint(tmp_path: Path) -> None:
    sheet = SampleGrid(tmp_path / "a.png", "png", 10**6, (1, 28, 28))
    with pytest.raises(UsageError, match=r"3,364 million pixels(.|\n)*--format npy, .* 3\.1 GB"):
        sheet.check_size()
    SampleGrid(tmp_path / "a.png", "png", 10**4, (1, 28, 28)).check_size()


def test_blocks_are_the_samples_of_one_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    model = vaezoo.load("fashion_mlp2")
    whole = model.sample(2500, seed=3)
    assert torch.equal(torch.cat(list(model.sample_in_blocks(2500, seed=3))), whole)
    monkeypatch.setattr(vae, "_DRAW_LIMIT", 2048)
    parts = list(model.sample_in_blocks(2500, seed=3))
    assert [len(part) for part in parts] == [1024, 1024, 452]
    assert torch.equal(parts[0], model.sample(1024, seed=3))


@pytest.mark.slow
def test_ten_times_the_samples_take_no_more_memory(tmp_path: Path) -> None:
    program = """
import resource, sys
from vaezoo.cli import main
try:
    main(["sample", "fashion_mlp2", "--n", sys.argv[1], "--out", "a.npy", "--device", "cpu"])
except SystemExit as ended:
    assert ended.code == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

    def most(count: int) -> int:
        command = [sys.executable, "-c", program, str(count)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1]) // (1024 if sys.platform == "darwin" else 1)

    assert resource.getrusage(resource.RUSAGE_SELF)
    assert most(40_000) < most(4_000) + 60_000  # kB; the array is 125 MB


@pytest.mark.parametrize("file", ["model.safetensors", "metrics.json", "history.jsonl"])
def test_a_pointer_of_git_lfs_is_called_one(file: str, publisher: object) -> None:
    entry = publisher()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
    (entry.path / file).write_text(pointer)
    again = vaezoo.zoo.find(entry.path)
    with pytest.raises(ZooError, match=r"VZ502: .* is a git-lfs pointer(.|\n)*run git lfs pull in"):
        _ = again.header, again.metrics, again.history


@pytest.mark.parametrize(
    ("count", "columns", "shape", "scale", "size"),
    [
        (50, None, (1, 28, 28), 4, (1142, 572)),
        (1, None, (3, 32, 32), 16, (516, 516)),
        (1, None, (3, 256, 256), 3, (772, 772)),
        (100, 10, (1, 28, 28), 3, (862, 862)),
        (400, None, (1, 28, 28), 2, (1452, 930)),
        (10, 1, (1, 28, 28), 3, (88, 862)),
    ],
)
def test_a_grid_fits_on_a_screen(
    count: int,
    columns: int | None,
    shape: tuple[int, int, int],
    scale: int,
    size: tuple[int, int],
) -> None:
    sheet = SampleGrid(Path("a.png"), "png", count, shape, columns)
    assert (sheet.used_scale, sheet.grid_size) == (scale, size)


def test_the_size_of_any_count_is_known_at_once() -> None:
    sheet = SampleGrid(Path("a.npy"), "npy", 2**62, (1, 28, 28))
    assert sheet.used_scale == 2
    assert sheet.about == ""
