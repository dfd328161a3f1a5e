"""Report out-of-memory errors as a diagnostic (VZ607)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from vaezoo.diagnostics import Diagnostic, RunError

OUT_OF_MEMORY = "VZ607"
TRAINING = "make the model or train.batch_size smaller, or use a device with more memory"
_ANYTHING = "end other programs, ask for less, or use a machine or device with more memory"
#: Messages of errors without their own class: allocators of PyTorch and C++.
_WORDS = (
    "DefaultCPUAllocator",
    "bad_alloc",
    "bad allocation",
    "Storage size calculation overflowed",
    "could not create a memory object",
    "failed to map segment from shared object",
    "can't start new thread",
)


@contextmanager
def memory_explained(hint: str = TRAINING) -> Iterator[None]:
    """Within the context, turn out-of-memory errors into RunError (VZ607) with that hint."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(error, hint) from error
        raise


def explained(error: Exception) -> Exception:
    """Turn an out-of-memory error into a RunError (VZ607); others are unchanged."""
    return out_of_memory(error, _ANYTHING) if is_out_of_memory(error) else error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library raised the error for lack of memory."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if type(error).__name__ == "OutOfMemoryError":  # PyTorch's, for devices
        return True
    return isinstance(error, RuntimeError | ImportError) and any(w in str(error) for w in _WORDS)


def out_of_memory(error: BaseException, hint: str) -> RunError:
    """VZ607 with the first line of the library's message."""
    cause = str(error).splitlines()[0] if str(error) else "allocation failed"
    return RunError(Diagnostic(OUT_OF_MEMORY, f"not enough memory: {cause}", hint=hint))
