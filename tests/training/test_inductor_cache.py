"""The cache of compiled programs is used only if it holds nothing that a reader would wait for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vaezoo.system.regular_file import irregular_in

COMPILE = """
import os
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from vaezoo.training.execution.inductor import compile_graph

def computed(x):
    return [torch.tanh(x) * 2 + 1]


x = torch.linspace(-1, 1, 64)
(found,) = compile_graph(make_fx(computed)(x), [x])(x)
assert torch.allclose(found, *computed(x))
print(os.environ["TORCHINDUCTOR_CACHE_DIR"])
"""


def compiled(cache: Path, tmp: Path) -> subprocess.CompletedProcess[str]:
    """Compile a small graph in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TORCHIND")}
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", COMPILE],
        env={**kept, "VAEZOO_CACHE": str(cache), "TMPDIR": str(tmp)},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_cache_with_fifos_is_not_used(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = compiled(cache, tmp_path)
    assert first.stdout.strip() == str(cache / "compiled")
    assert "VZ608" not in first.stderr
    files = [path for path in (cache / "compiled").rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.unlink()
        os.mkfifo(path)
    second = compiled(cache, tmp_path)
    assert "VZ608: the cache of compiled programs is not used" in second.stderr
    assert "is a FIFO" in second.stderr
    used = Path(second.stdout.strip())
    assert used.parent == tmp_path
    assert not used.exists()  # removed at the end


@pytest.mark.slow
def test_a_cache_that_cannot_be_made_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = compiled(tmp_path / "file" / "cache", tmp_path)
    assert "VZ608: the cache of compiled programs is not used" in done.stderr
    assert "cannot be made: Not a directory" in done.stderr


def test_all_irregular_files_of_a_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "below" / "deeper").mkdir(parents=True)
    (tmp_path / "below" / "file").write_text("")
    assert list(irregular_in(tmp_path)) == []
    os.mkfifo(tmp_path / "below" / "deeper" / "fifo")
    (tmp_path / "below" / "link").symlink_to(tempfile.gettempdir())
    found = {path.relative_to(tmp_path).as_posix() for path, _ in irregular_in(tmp_path)}
    assert found == {"below/deeper/fifo", "below/link"}
    assert list(irregular_in(tmp_path / "missing")) == []
