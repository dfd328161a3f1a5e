"""Files of others: nothing is waited for, followed, or read without end."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from vaezoo.system.regular_file import open_regular, read_regular


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    path.parent.mkdir()
    path.write_bytes(b"content")
    assert read_regular(path, 7, within=tmp_path) == b"content"
    with open_regular(path) as file:
        assert file.read() == b"content"


def test_a_larger_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(10**13)  # a hole: it takes no space
    with pytest.raises(OSError, match="10,000,000,000,000 bytes; the limit is 100"):
        read_regular(path, 100)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "link", "socket"])
def test_what_is_not_a_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("made")
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    with pytest.raises(OSError, match=f"it is a {kind}, not a regular file"):
        read_regular(path, 100)


def test_a_device_is_refused() -> None:
    with pytest.raises(OSError, match="it is a device"):
        read_regular(Path("/dev/zero"), 100)


def test_no_folder_on_the_way_may_be_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_bytes(b"secret")
    entry = tmp_path / "entry"
    entry.mkdir()
    (entry / "figures").symlink_to(elsewhere)
    with pytest.raises(OSError, match="it is a link, not a folder"):
        read_regular(entry / "figures" / "file", 100, within=entry)
