"""Explain how to resume an interrupted run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vaezoo.diagnostics import Diagnostic, Interrupted


@contextmanager
def interruption_explained() -> Iterator[None]:
    """Raise Interrupted (VZ605) for Ctrl-C before the checkpoint is read."""
    try:
        yield
    except KeyboardInterrupt:
        raise interrupted(None) from None


def interrupted(epochs_done: int | None) -> Interrupted:
    """The error after Ctrl-C; ``epochs_done`` is None before the checkpoint is read."""
    if epochs_done is None:
        hint = "the same command resumes after the last complete epoch, if there is one"
    elif epochs_done:
        hint = f"the same command resumes after epoch {epochs_done}"
    else:
        hint = "no epoch was complete; the same command starts from the beginning"
    return Interrupted(Diagnostic("VZ605", "interrupted", hint=hint))
