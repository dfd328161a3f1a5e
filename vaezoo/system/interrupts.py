"""Signals that stop a command, raised as exceptions where that does no harm.

Ctrl-C (SIGINT) is raised as KeyboardInterrupt. A request to end, SIGTERM or the SIGHUP of a
terminal that closes, is raised as ``Terminated``: everything is tidied up on the way out, then
the process ends by that signal, as if nobody had listened.

None is raised in the middle of an import, nor while pydantic builds a schema. A module that is
cut off there cannot be imported again, and both turn the exception into another one.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: The signals that ask a process to end.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Seconds between two looks whether what must not be cut off is over, and the longest wait.
_AGAIN, _LONGEST = 0.05, 10.0
#: In whose code, or in code called from it, no exception is raised.
_IMPORTS, _SCHEMAS = "<frozen importlib._bootstrap", f"{os.sep}pydantic{os.sep}"

Handler = Callable[[int, "FrameType | None"], Any]


class Terminated(BaseException):
    """The system asks the process to end, by the signal ``number``."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class CtrlC:
    """Whether Ctrl-C has raised KeyboardInterrupt yet, whatever has become of that since."""

    was_raised = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.was_raised = True
        raise KeyboardInterrupt


@contextmanager
def ctrl_c_raised() -> Iterator[CtrlC]:
    """Within, Ctrl-C raises KeyboardInterrupt where that does no harm.

    Does nothing where Ctrl-C is ignored or somebody else listens to it.
    """
    ctrl_c = CtrlC()
    with _replaced((signal.SIGINT,), signal.default_int_handler, _put_off(ctrl_c)):
        yield ctrl_c


@contextmanager
def requests_to_end_raised() -> Iterator[None]:
    """Within, a request to end raises ``Terminated``; after it, the process ends by that signal.

    Leaves a signal alone that is ignored, as by nohup, or that somebody else listens to.
    """
    with _replaced(ENDING, signal.SIG_DFL, _put_off(_terminate)) as ours:
        try:
            yield
        except Terminated as asked:
            if asked.number in ours:
                signal.signal(asked.number, signal.SIG_DFL)
                os.kill(os.getpid(), asked.number)
            raise


@contextmanager
def held() -> Iterator[None]:
    """Within, signals to stop wait until the body is done."""
    if not _is_main_thread():
        yield
        return
    noted: list[int] = []
    numbers = (signal.SIGINT, *ENDING)
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number, handler in before.items() if callable(handler)]
    for number in heard:
        signal.signal(number, lambda number, frame: noted.append(number))
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
        for number in dict.fromkeys(noted):
            signal.raise_signal(number)


def ignore_ctrl_c() -> None:
    """From now on, Ctrl-C does nothing: the command is at its end."""
    if _is_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ctrl_c_restored() -> Iterator[None]:
    """After it, Ctrl-C is heard as before, even where it came to be ignored within."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if _is_main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _replaced(numbers: tuple[int, ...], usual: Any, handler: Handler) -> Iterator[list[int]]:
    """Within, ``handler`` hears those signals that had the usual one; gives their numbers."""
    ours = [n for n in numbers if _is_main_thread() and signal.getsignal(n) is usual]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield ours
    finally:
        for number in ours:
            if signal.getsignal(number) is handler:  # it may be ignored by now
                signal.signal(number, usual)


def _put_off(handler: Handler) -> Handler:
    """The handler, called a little later where what goes on must not be cut off."""
    since: dict[int, float] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        waited = time.monotonic() - since.setdefault(number, time.monotonic())
        if _is_indivisible(frame) and waited < _LONGEST:
            # not a threading.Thread: its locks may be held by what was interrupted
            _thread.start_new_thread(_raise_later, (number,))
            return
        since.pop(number, None)
        handler(number, frame)

    return handle


def _raise_later(number: int) -> None:
    time.sleep(_AGAIN)
    signal.raise_signal(number)


def _is_indivisible(frame: FrameType | None) -> bool:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_IMPORTS) or _SCHEMAS in file:
            return True
        frame = frame.f_back
    return False


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
