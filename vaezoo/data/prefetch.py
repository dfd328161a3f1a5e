"""Prefetch blocks of images and copy them to the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

#: Blocks being copied to a GPU or in use there: the GPU computes while the next block arrives.
_IN_FLIGHT = 2


def prefetch(
    make: Callable[[T], Tensor],
    of: Iterable[T],
    *,
    depth: int,
    threads: int,
    device: torch.device,
    release: Callable[[Tensor], object],
) -> Iterator[Tensor]:
    """The results of ``make`` in order, computed by threads up to ``depth`` items in advance.

    ``device`` is the device that the results are for. ``release`` gets each result when the next
    one is requested. Raises whatever ``make`` raises.
    """
    jobs = iter(of)
    pool = ThreadPoolExecutor(threads, "vaezoo-images", _use_device, (device,))
    try:
        waiting: deque[Future[Tensor]] = deque(
            pool.submit(make, job) for job in islice(jobs, depth)
        )
        while waiting:
            made = waiting.popleft().result()
            waiting.extend(pool.submit(make, job) for job in islice(jobs, 1))
            yield made
            release(made)
    finally:  # a running thread would read images that the caller overwrites
        pool.shutdown(cancel_futures=True)


def _use_device(device: torch.device) -> None:
    """Set a new thread's GPU; otherwise its pinned memory belongs to the first one."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def to_device(blocks: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Copy blocks from host memory to the device."""
    if device.type == "cuda":
        yield from _to_cuda(blocks, device)
        return
    for block in blocks:
        yield block.to(device)


def _to_cuda(blocks: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Copy on a side stream while the GPU works on the block before.

    ``blocks`` are in pinned memory, which is not reused before it has been read.
    """
    side = torch.cuda.Stream(device)
    copying: deque[tuple[Tensor, torch.cuda.Event]] = deque()
    used: deque[torch.cuda.Event] = deque()

    def next_block() -> Iterator[Tensor]:
        block, copied = copying.popleft()
        stream = torch.cuda.current_stream(device)
        stream.wait_event(copied)
        block.record_stream(stream)  # the side stream allocated its memory
        yield block
        # all work on the block is queued by now
        used.append(stream.record_event(torch.cuda.Event(blocking=True)))

    for block in blocks:
        # Steps are queued faster than they run: without a limit, all blocks of an epoch would be
        # on a device that does not have the memory for them.
        while len(used) >= _IN_FLIGHT:
            used.popleft().synchronize()
        with torch.cuda.stream(side):
            copying.append((block.to(device, non_blocking=True), side.record_event()))
        if len(copying) >= _IN_FLIGHT:
            yield from next_block()
    while copying:
        yield from next_block()
