"""Raise the signals that stop a command as exceptions, where that does no harm.

Ctrl-C (SIGINT) raises KeyboardInterrupt. SIGTERM, and SIGHUP from a closed terminal, raise
``Terminated``: the process cleans up, then ends by that signal.

An exception is delayed during imports and while pydantic builds a schema. A module interrupted
there cannot be imported again, and both replace the exception by another one.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: The signals that ask a process to end.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Seconds between two attempts to raise a delayed exception, and the longest delay.
_AGAIN, _LONGEST = 0.01, 10.0
#: Code, including what it calls, that must not be interrupted.
_IMPORTS, _SCHEMAS = "<frozen importlib._bootstrap", f"{os.sep}pydantic{os.sep}"

Handler = Callable[[int, "FrameType | None"], Any]


class Terminated(BaseException):
    """The process received a signal to end; ``number`` is the signal."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class _Delayed(ABC):
    """A handler that raises an exception, later if code runs that must not be interrupted."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    def __call__(self, number: int, frame: FrameType | None) -> None:
        waited = time.monotonic() - self._since.setdefault(number, time.monotonic())
        if _is_indivisible(frame) and waited < _LONGEST:
            # not a threading.Thread: the interrupted code may hold its locks
            _thread.start_new_thread(self._repeat, (number,))
            return
        del self._since[number]
        self._raise(number)

    def raise_now(self) -> None:
        """Raise the exception of a signal that still waits, if there is one."""
        while self._since:
            self._raise(self._since.popitem()[0])

    def _repeat(self, number: int) -> None:
        time.sleep(_AGAIN)
        if number in self._since:
            signal.raise_signal(number)

    @abstractmethod
    def _raise(self, number: int) -> None:
        """Raise the exception of a signal."""


class CtrlC(_Delayed):
    """Handler of Ctrl-C; ``was_raised`` stays set even if the KeyboardInterrupt was caught."""

    was_raised = False

    def _raise(self, number: int) -> None:
        self.was_raised = True
        raise KeyboardInterrupt


class _RequestToEnd(_Delayed):
    def _raise(self, number: int) -> None:
        raise Terminated(number)


@contextmanager
def ctrl_c_raised() -> Iterator[CtrlC]:
    """Within the context, Ctrl-C raises KeyboardInterrupt where that does no harm.

    Does nothing if Ctrl-C is ignored or has another handler.
    """
    ctrl_c = CtrlC()
    with _replaced((signal.SIGINT,), signal.default_int_handler, ctrl_c):
        yield ctrl_c


@contextmanager
def requests_to_end_raised() -> Iterator[None]:
    """Within the context, SIGTERM and SIGHUP raise ``Terminated``; then the process ends by them.

    Skips a signal that is ignored, as with nohup, or has another handler.
    """
    with _replaced(ENDING, signal.SIG_DFL, _RequestToEnd()) as ours:
        try:
            yield
        except Terminated as asked:
            if asked.number in ours:
                signal.signal(asked.number, signal.SIG_DFL)
                os.kill(os.getpid(), asked.number)
            raise


@contextmanager
def held() -> Iterator[None]:
    """Delay signals to stop until the body is done."""
    if not _is_main_thread():
        yield
        return
    received: list[int] = []
    numbers = (signal.SIGINT, *ENDING)
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number, handler in before.items() if callable(handler)]
    for number in heard:
        signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
        for number in dict.fromkeys(received):
            signal.raise_signal(number)


def ignore_ctrl_c() -> None:
    """Ignore Ctrl-C from now on: the command is ending."""
    if _is_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ctrl_c_restored() -> Iterator[None]:
    """Restore the handler of Ctrl-C at the end, even if it was ignored within the context."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if _is_main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _replaced(numbers: tuple[int, ...], usual: Any, handler: Handler) -> Iterator[list[int]]:
    """Install ``handler`` for the signals that have the usual one; yield their numbers."""
    ours = [n for n in numbers if _is_main_thread() and signal.getsignal(n) is usual]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield ours
    finally:
        for number in ours:
            if signal.getsignal(number) is handler:  # it may have been replaced since
                signal.signal(number, usual)


def _is_indivisible(frame: FrameType | None) -> bool:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_IMPORTS) or _SCHEMAS in file:
            return True
        frame = frame.f_back
    return False


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
