"""A bad entry harms only itself: in listings, in pages, in samples."""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.zoo.parts import PARTS, Publisher, registry_of
from vaezoo.cli.context import Context
from vaezoo.cli.zoo import command as zoo
from vaezoo.diagnostics import ZooError
from vaezoo.registry import Registry
from vaezoo.zoo import Entry, find

FILES = ["model.safetensors", "metrics.json", "history.jsonl", "figures/samples.png"]


#: an epoch without its reconstruction term
LACKING = (
    '{"epoch": 1, "train": {"objective": 1, "kl": 0, "elbo": -1}, "validation": null, '
    '"weights": {}, "learning_rate": 0.1, "seconds": 1, "images_per_second": 1}\n'
)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


def _long_header(path: Path) -> None:
    with path.open("wb") as file:
        file.write((95 * 10**6).to_bytes(8, "little"))
        file.write(b"[" * (95 * 10**6))


def _changed(change: Callable[[Any], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        data = json.loads(Path("zoo/tiny/metrics.json").read_text())
        change(data)
        path.write_text(json.dumps(data))

    return write


def _text(text: str | bytes) -> Callable[[Path], None]:
    return lambda path: void(path.write_bytes(text if isinstance(text, bytes) else text.encode()))


def void(_: object) -> None:
    pass


METRICS = [
    _changed(lambda data: data["figures"][0].update(value="low")),
    _changed(lambda data: data["figures"][0].update(name=["elbo"])),
    _changed(lambda data: data["figures"][0].update(samples=1.5)),
    _changed(lambda data: data["figures"][0].update(standard_error=-1.0)),
    _changed(lambda data: data["figures"][0].update(per_dimension={"z": 1})),
    _changed(lambda data: data["figures"][0].update(more=1)),
    _changed(lambda data: data["targets"][0].update(verdict="fine")),
    _changed(lambda data: data["targets"][0].update(tolerance=None) or data.pop("notes")),
    _changed(lambda data: data.update(notes="one")),
    _changed(lambda data: data.update(figures=None)),
    _changed(lambda data: data.update(test_is_trained_on=0)),
    _text("[" * 10**6),
    _text('{"figures": [], "figures": []}'),
    _text("[1e999]"),
    _text(b'{"figures": "\xff"}'),
    _text("null"),
    _text(" " * 5 * 10**6),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with the entries tiny and other, to be copied."""
    folder = tmp_path_factory.mktemp("published") / "zoo"
    publisher = Publisher(registry_of(*PARTS))
    publisher(zoo=folder)
    publisher(zoo=folder, name="other")
    _zoo_command(publisher.registry, "list", "--zoo", str(folder))  # import what it needs
    return folder


def _zoo_command(registry: Registry, *arguments: str) -> Any:
    context = Context()
    context.__dict__["registry"] = registry
    return CliRunner().invoke(zoo, list(arguments), obj=context)


@pytest.fixture
def shell(published: Path, registry: Registry) -> Callable[..., Any]:
    """``vaezoo zoo`` in a folder with a copy of the zoo."""
    shutil.copytree(published, "zoo")
    return functools.partial(_zoo_command, registry)


def replaced(name: str, make: Callable[[Path], None]) -> Path:
    """A file of the entry tiny, with something else in its place."""
    path = Path("zoo/tiny") / name
    made = path.with_name("made")
    make(made)
    path.unlink()
    made.rename(path)
    return path


def looked_at(shell: Callable[..., Any]) -> Any:
    """The listing. It includes the other entry, and costs little time and memory."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    result = shell("list", "--zoo", "zoo")
    seconds = time.process_time() - start
    assert result.exit_code == 0, result.exception
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
    assert "\nother" in result.output
    Path("zoo/tiny").rename("aside")
    start = time.process_time()
    shell("list", "--zoo", "zoo")
    assert seconds < 50 * (time.process_time() - start)
    Path("aside").rename("zoo/tiny")
    return result.output


@pytest.mark.parametrize("make", [_fifo, _endless, _folder, _socket, _large])
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_neither_waited_for_nor_followed(
    shell: Callable[..., Any], name: str, make: Callable[[Path], None]
) -> None:
    replaced(name, make)
    listed = looked_at(shell)
    assert ("tiny: damaged" in listed) == (name in FILES[:2])
    shown = shell("show", "tiny", "--json")
    assert isinstance(shown.exception, ZooError) or name == FILES[3]


@pytest.mark.parametrize("make", METRICS)
def test_metrics_of_wrong_types_are_refused(
    shell: Callable[..., Any], make: Callable[[Path], None]
) -> None:
    replaced("metrics.json", make)
    assert "tiny: damaged, zoo/tiny/metrics.json" in looked_at(shell)
    assert "VZ502" in str(shell("show", "tiny").exception)


@pytest.mark.parametrize(
    "text",
    [LACKING, "null\n", "{}\n", '{"epoch": "1"}\n', "[" * 10**6 + "\n", "{", '{"a": 1, "a": 1}\n'],
)
def test_a_history_of_wrong_types_is_refused(shell: Callable[..., Any], text: str) -> None:
    replaced("history.jsonl", _text(text))
    assert "history.jsonl is damaged" in str(shell("show", "tiny", "--json").exception)


def test_a_long_header_is_not_read(shell: Callable[..., Any]) -> None:
    replaced("model.safetensors", _long_header)
    assert "its header has more than" in looked_at(shell)


def test_an_error_that_is_infinite_is_not_shown_as_a_number(shell: Callable[..., Any]) -> None:
    replaced("metrics.json", _changed(lambda data: data["figures"][0].update(standard_error=None)))
    assert "-105.4 " in looked_at(shell)
    replaced("metrics.json", _changed(lambda data: data["figures"][0].update(value=1e999)))
    assert "Infinity is not JSON" in looked_at(shell)


def test_an_entry_under_another_name_is_refused_by_name_and_found_by_path(
    shell: Callable[..., Any],
) -> None:
    shutil.copytree("zoo/tiny", "zoo/copy")
    assert "copy: damaged, zoo/copy is called copy, but its weights file tiny" in looked_at(shell)
    with pytest.raises(ZooError, match="rename it to tiny"):
        _ = find("copy").spec_data
    assert find("zoo/copy").name == "tiny"


def test_a_folder_of_many_files_is_not_counted_to_the_end(shell: Callable[..., Any]) -> None:
    for number in range(1001):
        (Path("zoo/tiny/figures") / f"{number}.png").touch()
    assert "tiny: damaged, zoo/tiny is damaged" in looked_at(shell)


def test_pictures_behind_a_link_are_not_the_entrys(publisher: Publisher) -> None:
    entry = publisher()
    shutil.move(entry.path / "figures", "elsewhere")
    (entry.path / "figures").symlink_to(Path("elsewhere").resolve())
    fresh = Entry(entry.path, entry.name)
    assert fresh.figures == ()
    with pytest.raises(ZooError, match=r"figures/samples\.png cannot be read: it is a link"):
        fresh.picture(entry.path / "figures" / "samples.png")
