"""A limit on how long someone else's code may take."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from math import isfinite
from types import FrameType

#: Libraries that cannot be imported a second time in one process after a first time was cut off.
_INDIVISIBLE = ("torch", "torchvision", "numpy", "matplotlib")


class _TookTooLong(BaseException):
    """Raised within the code that takes too long; ``except Exception`` does not stop it."""


@contextlib.contextmanager
def timeout(seconds: float, uneasy_after: float, uneasy: Callable[[], object]) -> Iterator[None]:
    """Call ``uneasy`` once the body takes long, and raise TimeoutError when it takes too long.

    ``seconds`` may be infinite.
    The body is cut off only where the system has an alarm that nobody else uses, and only in
    the main thread; elsewhere it is waited for. Code that never returns to Python, such as a
    loop in a C extension, cannot be cut off either.
    """
    reminder = threading.Timer(uneasy_after, uneasy)
    reminder.daemon = True
    reminder.start()
    try:
        with _alarm(seconds) if isfinite(seconds) and _has_alarm() else contextlib.nullcontext():
            yield
    except _TookTooLong:
        raise TimeoutError(f"no end after {seconds:g} s") from None
    finally:
        reminder.cancel()


def _has_alarm() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    )


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        if not any(map(_half_imported, _INDIVISIBLE)):
            raise _TookTooLong

    signal.signal(signal.SIGALRM, ring)
    # again and again: the first may come within an import that must not be cut off, or be caught
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _half_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
