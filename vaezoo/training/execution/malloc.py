"""Memory that one step of training gives back and the next one takes again.

The C library returns large pieces to the system at once, and the system hands them out anew page
by page, each filled with zeros: of a step of convolutions that can be a third of the time.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

#: Parameters of ``mallopt``: what is kept at the heap's end, and from which size on a piece is
#: taken from the system by itself.
_KEPT, _BY_ITSELF = -1, -3
#: What glibc itself raises them to at most, in a program that takes and gives back large pieces.
_KEPT_USUALLY, _LARGE = 64 * 2**20, 32 * 2**20
#: Variables by which a user has chosen already.
_CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@contextmanager
def memory_kept() -> Iterator[None]:
    """Inside, this process keeps the memory that it frees; afterwards it gives it back.

    Only glibc, Linux's usual C library, is known to need that and to have a way.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _CHOSEN):
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(_BY_ITSELF, _LARGE)  # more, and what is kept would have larger holes
    library.mallopt(_KEPT, 2**31 - 1)
    try:
        yield
    finally:
        library.mallopt(_KEPT, _KEPT_USUALLY)
        library.malloc_trim(0)
