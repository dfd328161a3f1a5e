"""Keep freed memory in the process for the next step.

The C library returns large blocks to the system at once, and the system clears every page before
it hands them out again. For a step with convolutions that can take a third of the time.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

#: ``mallopt`` parameters: free memory to keep at the top of the heap, and the block size from
#: which mmap is used.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: The largest values that glibc chooses by itself for a program that frees large blocks.
_DEFAULT_TRIM, _LARGE_BLOCK = 64 * 2**20, 32 * 2**20
#: Environment variables by which a user configures malloc.
_USER_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed memory inside the block and return it to the system afterwards.

    Only for glibc, the usual C library of Linux, and unless the user configures malloc.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in _USER_SETTINGS):
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)  # a higher threshold fragments the heap
    library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        library.mallopt(_TRIM_THRESHOLD, _DEFAULT_TRIM)
        library.malloc_trim(0)
