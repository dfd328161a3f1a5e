import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vaezoo.system.files import (
    PNG,
    beginning,
    check_output,
    check_parent,
    in_units,
    output,
    write_output,
    write_whole,
)

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (47_040_000, "47 MB"),
        (3_100_000_000, "3.1 GB"),
        (999_700, "1.0 MB"),
        (12_345_000_000_000, "12,345 GB"),
    ],
)
def test_sizes_are_printed_in_readable_units(count: int, said: str) -> None:
    assert in_units(count) == said


@pytest.mark.parametrize("write", [write_whole, write_output])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path, write) -> None:
    for name in ("a" * 255, "ä" * 127):
        write(tmp_path / name, b"one", b"two")
        assert (tmp_path / name).read_bytes() == b"onetwo"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_regular_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with path.open("rb") as reader:
        write_output(path, b"new")
        assert reader.read() == b"old", "who reads it has the old file to the end"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with output(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "file"
    if exists:
        target.write_bytes(b"old")
    (tmp_path / "second").symlink_to(target)
    (tmp_path / "first").symlink_to("second")
    write_output(tmp_path / "first", b"new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["file"]


def test_a_fifo_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    read: list[bytes] = []
    for name in ("fifo", "link"):
        reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_bytes()))
        reader.start()
        check_output(tmp_path / name, PNG)
        write_output(tmp_path / name, b"a", b"b")
        reader.join(10)
    assert read == [b"ab", b"ab"]
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes nodes")
@pytest.mark.parametrize(("name", "minor"), [("null", 3), ("full", 7)])
def test_a_device_is_written_into(tmp_path: Path, name: str, minor: int) -> None:
    path = tmp_path / name
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        path.open("wb").close()
    except OSError:
        pytest.skip("devices cannot be made or opened here")
    check_output(path, PNG)
    if name == "null":
        write_output(path, PICTURE)
    else:
        with pytest.raises(OSError, match="No space left"):
            write_output(path, PICTURE)
    assert stat.S_ISCHR(path.stat().st_mode)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_socket_is_an_error_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        with pytest.raises(OSError, match="No such device or address"):
            write_output(Path("socket"), b"new")
        assert stat.S_ISSOCK(Path("socket").stat().st_mode)


WRITER = """
import sys
from pathlib import Path
from vaezoo.system.files import check_output, write_output
print("before")
check_output(Path(sys.argv[1]))
write_output(Path(sys.argv[1]), b"content\\n")
print("after")
"""


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("to", ["file", "pipe"])
def test_standard_output_gets_all_in_its_order(tmp_path: Path, name: str, to: str) -> None:
    if name.startswith("/proc") and not Path(name).exists():
        pytest.skip("there is no /proc")
    (tmp_path / "link").symlink_to("/dev/stdout")
    command = [sys.executable, "-c", WRITER, name]
    if to == "pipe":
        out = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, check=True).stdout
    else:
        with (tmp_path / "log").open("wb") as log:
            log.write(b"")
            subprocess.run(command, cwd=tmp_path, stdout=log, check=True)
        out = (tmp_path / "log").read_bytes()
    assert out.split() == [b"before", b"content", b"after"]


def test_a_missing_folder_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for check in (check_output, check_parent, lambda path: write_output(path, b"new")):
        with pytest.raises(FileNotFoundError) as raised:
            check(path)
        assert raised.value.strerror == f"no folder {path.parent}; the nearest is {tmp_path}"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "file" / "out", tmp_path / "file" / "a" / "out"):
        with pytest.raises(NotADirectoryError, match="file is not a folder"):
            check_output(path)
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        write_output(tmp_path, b"new")


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        check_output(tmp_path / "a")


@pytest.mark.parametrize("name", ["spec.yaml", "script.py", "link"])
def test_a_file_of_another_kind_is_not_replaced_unasked(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("target")
    (tmp_path / name).write_text("name: precious\n")
    with pytest.raises(FileExistsError, match="is not a PNG picture; --force replaces it"):
        check_output(tmp_path / name, PNG)
    check_output(tmp_path / name)


def test_a_file_of_its_kind_and_an_empty_one_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "picture").write_bytes(PICTURE)
    for name in ("empty", "picture", "absent"):
        check_output(tmp_path / name, PNG)
    with pytest.raises(FileExistsError):
        check_output(tmp_path / "picture", beginning("a PDF document", b"%PDF-"))


def test_the_pictures_of_an_entry_are_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "entry" / "figures").mkdir(parents=True)
    for name in ("model.safetensors", "metrics.json"):
        (tmp_path / "entry" / name).touch()
    picture = tmp_path / "entry" / "figures" / "samples.png"
    picture.write_bytes(PICTURE)
    with pytest.raises(FileExistsError, match=r"it belongs to the entry in .*entry; --force"):
        check_output(picture, PNG)
