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
#: What glibc raises them to itself, in a program that takes and gives back large pieces.
_USUAL = {_KEPT: 64 * 2**20, _BY_ITSELF: 32 * 2**20}
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
    library.mallopt(_KEPT, 2**31 - 1)
    if not library.mallopt(_BY_ITSELF, 2**30):  # older ones allow no more than their own most
        library.mallopt(_BY_ITSELF, _USUAL[_BY_ITSELF])
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)
