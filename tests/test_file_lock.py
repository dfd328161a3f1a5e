"""A lock is held by one process at a time, and only on a regular file that lies at the path."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vaezoo.system.file_lock import LockHeld, locked
from vaezoo.system.folders import InTheWay

HOLDER = """
import sys, time
from pathlib import Path
from vaezoo.system.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def held_by_another(lock: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_lock_is_refused_while_another_process_holds_it(lock: Path) -> None:
    with held_by_another(lock):
        with pytest.raises(LockHeld, match="another process holds it") as refused, locked(lock):
            pass
        assert refused.value.filename == str(lock)


def test_a_lock_waits_as_long_as_its_timeout(lock: Path) -> None:
    start = time.monotonic()
    with held_by_another(lock), pytest.raises(LockHeld), locked(lock, timeout=0.3):
        pass
    assert time.monotonic() - start >= 0.3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_lock_ends_with_a_killed_process(lock: Path) -> None:
    with held_by_another(lock) as holder:
        threading.Timer(0.2, holder.send_signal, [signal.SIGKILL]).start()
        with locked(lock, timeout=30):
            assert lock.is_file()


def test_a_lock_leaves_the_file_and_its_content(lock: Path) -> None:
    lock.write_text("kept")
    for _ in range(2):
        with locked(lock):
            assert lock.read_text() == "kept"
    assert lock.read_text() == "kept"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_a_removed_file_is_not_waited_for(lock: Path) -> None:
    with locked(lock):
        lock.unlink()
        with locked(lock), pytest.raises(LockHeld), locked(lock):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_a_file_removed_while_waiting_is_not_the_lock(lock: Path) -> None:
    """The waiting process gets the old file's lock after it was removed."""
    held, removed, entered = threading.Event(), threading.Event(), []

    def remove_while_held() -> None:
        with locked(lock):
            held.set()
            removed.wait()
            lock.unlink()
            lock.touch()

    def wait_for_it() -> None:
        with locked(lock, timeout=30):
            entered.append(lock.stat().st_ino)
            with pytest.raises(LockHeld), locked(lock):  # the file at the path is locked
                pass

    threads = [threading.Thread(target=target) for target in (remove_while_held, wait_for_it)]
    threads[0].start()
    held.wait()
    threads[1].start()
    time.sleep(0.2)
    removed.set()
    for thread in threads:
        thread.join()
    assert entered == [lock.stat().st_ino]


def make_link(path: Path) -> None:
    path.symlink_to(path.with_name("target"))


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("make", "kind"),
    [(make_link, "link"), (os.mkfifo, "FIFO"), (Path.mkdir, "folder"), (make_socket, "socket")],
)
def test_only_a_regular_file_is_locked(
    lock: Path, make: Callable[[Path], None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lock.parent)
    make(lock)
    with pytest.raises(InTheWay, match=f"it is a {kind}, not a regular file"), locked(lock):
        pass
    assert not lock.with_name("target").exists()
