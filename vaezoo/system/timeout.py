"""A time limit for other people's code."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from math import isfinite
from types import FrameType

#: Libraries that cannot be imported again in a process after an interrupted import.
_INDIVISIBLE = ("torch", "torchvision", "numpy", "matplotlib")


class _TimedOut(BaseException):
    """Raised inside the slow code, where ``except Exception`` does not catch it."""


@contextlib.contextmanager
def timeout(seconds: float, warn_after: float, warn: Callable[[], object]) -> Iterator[None]:
    """Call ``warn`` if the body is slow; raise TimeoutError after ``seconds``, which may be inf.

    The body is interrupted only in the main thread of a system with an unused alarm; otherwise
    the context waits for its end. A loop in a C extension cannot be interrupted either.
    """
    timer = threading.Timer(warn_after, warn)
    timer.daemon = True
    timer.start()
    try:
        with _alarm(seconds) if isfinite(seconds) and _has_alarm() else contextlib.nullcontext():
            yield
    except _TimedOut:
        raise TimeoutError(f"no end after {seconds:g} s") from None
    finally:
        timer.cancel()


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
            raise _TimedOut

    signal.signal(signal.SIGALRM, ring)
    # repeat every second: the first may come during an import, or be caught
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _half_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
