"""Standard streams that are closed, full or narrow end no command, and a run least of all."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.shell import PLUGIN, Shell
from vaezoo.cli.streams import fill_closed

VAEZOO = f"{shlex.quote(sys.executable)} -m vaezoo"


def bash(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash in the folder, in which ``vaezoo`` is the one of these tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAEZOO_", "PYTHON"))}
    given = {"VAEZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("vaezoo", VAEZOO, 1)],
        cwd=folder,
        env={**kept, **given, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "redirection", ["2>&-", ">&- 2>&- <&-", ">/dev/full", ">/dev/full 2>&1", "2>&1 | head -1"]
)
def test_a_run_goes_on_without_words(shell: Shell, redirection: str) -> None:
    spec = shell.write(train={"epochs": 2})
    line = f"vaezoo run {spec} --device cpu {redirection}"
    done = bash(shell.folder, line, VAEZOO_PLUGINS=str(PLUGIN))
    assert done.returncode == 0
    assert (shell.folder / "zoo" / "small" / "README.md").is_file()
    assert b"fault in vaezoo" not in done.stderr
    if redirection == ">/dev/full":  # the words that were for stdout
        assert b"next: vaezoo sample small" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["zoo list", "explain VZ412", "show fashion_mlp2", "doctor"])
def test_a_full_stdout_is_reported_on_stderr(tmp_path: Path, arguments: str) -> None:
    done = bash(tmp_path, f"vaezoo {arguments} >/dev/full")
    assert done.returncode == 3
    assert b"error[VZ503]: cannot write to standard output: No space left" in done.stderr


def test_a_reader_that_closes_early_does_not_change_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("vaezoo: 2\n")
    done = bash(tmp_path, "vaezoo validate bad.yaml | true")
    assert done.returncode == 1
    assert done.stderr == b""
    assert bash(tmp_path, "vaezoo zoo list | head -1").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "ascii:strict"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("explain VZ412", 0),
        ("plugins show loss:elbo", 0),
        ("why fashion_mlp2 loss", 0),
        ("diff fashion_beta1 fashion_beta4", 1),
        ("zoo show mnist_mlp20", 0),
    ],
)
def test_characters_that_a_terminal_lacks_are_replaced(
    tmp_path: Path, arguments: str, code: int, encoding: str
) -> None:
    done = bash(tmp_path, f"vaezoo {arguments}", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (code, b"")
    done.stdout.decode(encoding.partition(":")[0])


@pytest.mark.slow
def test_output_for_programs_is_utf_8_on_any_terminal(tmp_path: Path) -> None:
    for arguments in ("zoo list --json", "show fashion_beta1"):
        narrow = bash(tmp_path, f"vaezoo {arguments}", PYTHONIOENCODING="cp1252").stdout
        assert narrow == bash(tmp_path, f"vaezoo {arguments}", PYTHONIOENCODING="utf-8").stdout
        assert not narrow.decode().isascii()


def test_a_closed_stream_lends_its_number_to_no_file(tmp_path: Path) -> None:
    """Else what a library says on stderr would be written into a checkpoint."""
    program = (
        "import os\n"
        "from vaezoo.cli.streams import fill_closed\n"
        "fill_closed()\n"
        "os.write(3 if os.open('file', os.O_CREAT | os.O_RDWR) == 3 else 2, b'own')\n"
        "os.write(2, b'lost')\n"
    )
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} >&- 2>&-"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    assert (tmp_path / "file").read_bytes() == b"own"
    fill_closed()  # changes nothing where all are open


def test_a_folder_that_is_gone_is_wrong_usage(tmp_path: Path) -> None:
    line = "mkdir gone && cd gone && rmdir ../gone && vaezoo zoo list"
    done = bash(tmp_path, line)
    assert done.returncode == 2
    assert b"cannot use the working directory: No such file" in done.stderr
