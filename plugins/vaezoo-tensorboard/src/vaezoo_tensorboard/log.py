"""TensorBoard's event files.

A log is opened for what one hook has to say, added to and closed: a run that is killed leaves
every epoch behind that it finished, and nothing is kept in memory between hooks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

if TYPE_CHECKING:
    from PIL.Image import Image

_FOLDER_VARIABLE, _FOLDER = "VAEZOO_TENSORBOARD", "tensorboard"
_GREY, _COLOR = 1, 3  # TensorBoard's color spaces


class Log:
    """The newest event file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_run(cls, name: str) -> Log:
        """The log of the run of this name, which may not exist yet."""
        return cls(Path(os.environ.get(_FOLDER_VARIABLE) or _FOLDER) / name)

    def begin(self) -> None:
        """Start an empty log, replacing that of an earlier run of the same spec."""
        for file in self._files():
            file.unlink()
        self._create()

    def resume(self, epochs_done: int) -> None:
        """Continue after ``epochs`` epochs: readers drop later entries."""
        if not self._files():
            self._create()
        restart = SessionLog(status=SessionLog.START)
        self._append([Event(wall_time=time.time(), step=epochs_done + 1, session_log=restart)])

    def write(self, step: int, values: Iterable[Summary.Value]) -> None:
        """Add values of one step."""
        if not self._files():  # somebody tidied up while the run went on
            self._create()
        self._append([Event(wall_time=time.time(), step=step, summary=Summary(value=values))])

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("events.out.tfevents.*"))

    def _create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns():020d}.vaezoo"
        (self.folder / name).touch()
        self._append([Event(wall_time=time.time(), file_version="brain.Event:2")])

    def _append(self, events: Iterable[Event]) -> None:
        with self._files()[-1].open("ab") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())
            writer.flush()


def scalar(tag: str, value: float) -> Summary.Value:
    """A point of a curve."""
    return Summary.Value(tag=tag, simple_value=value)


def picture(tag: str, png: bytes, image: Image) -> Summary.Value:
    """An image from a PNG file, with the opened image for its size."""
    channels = _GREY if image.mode == "L" else _COLOR
    content = Summary.Image(
        width=image.width, height=image.height, colorspace=channels, encoded_image_string=png
    )
    return Summary.Value(tag=tag, image=content)


def text(tag: str, markdown: str) -> Summary.Value:
    """A page of text."""
    content = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()])
    about = create_summary_metadata(display_name=tag, description="")
    return Summary.Value(tag=tag, metadata=about, tensor=content)
