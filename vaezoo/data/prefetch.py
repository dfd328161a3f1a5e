"""Blocks of images made ahead of those who need them, and sent to the device on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

#: Blocks on their way to a GPU, or in use there. The device computes while the next is sent.
_IN_FLIGHT = 2


def ahead(
    make: Callable[[T], Tensor],
    of: Iterable[T],
    *,
    depth: int,
    threads: int,
    device: torch.device,
    through: Callable[[Tensor], object],
) -> Iterator[Tensor]:
    """``make`` of each in turn, in other threads, up to ``depth`` before they are asked for.

    ``device`` is that for which they are made. ``through`` is told of each when the next one is
    asked for. What ``make`` raises is raised here.
    """
    jobs = iter(of)
    pool = ThreadPoolExecutor(threads, "vaezoo-images", _at_home, (device,))
    try:
        waiting: deque[Future[Tensor]] = deque(
            pool.submit(make, job) for job in islice(jobs, depth)
        )
        while waiting:
            made = waiting.popleft().result()
            waiting.extend(pool.submit(make, job) for job in islice(jobs, 1))
            yield made
            through(made)
    finally:  # nobody may be left who reads what is about to be written over
        pool.shutdown(cancel_futures=True)


def _at_home(device: torch.device) -> None:
    """In a new thread, pinned memory belongs to the first GPU unless another is set."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def sent(blocks: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Blocks in host memory as blocks on the device."""
    if device.type == "cuda":
        yield from _sent_aside(blocks, device)
        return
    for block in blocks:
        yield block.to(device)


def _sent_aside(blocks: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """By a stream of their own, each while the device works on the block before.

    ``blocks`` lie in pinned memory, which is not used again before it has been read.
    """
    side = torch.cuda.Stream(device)
    under_way: deque[tuple[Tensor, torch.cuda.Event]] = deque()
    through: deque[torch.cuda.Event] = deque()

    def arrived() -> Iterator[Tensor]:
        block, is_there = under_way.popleft()
        stream = torch.cuda.current_stream(device)
        stream.wait_event(is_there)
        block.record_stream(stream)  # its memory is the side stream's to give away
        yield block
        # by now all work on the block has been asked for
        through.append(stream.record_event(torch.cuda.Event(blocking=True)))

    for block in blocks:
        # steps are asked for faster than they are done: without a limit, all blocks of an epoch
        # would lie on the device that does not have the room for them
        while len(through) >= _IN_FLIGHT:
            through.popleft().synchronize()
        with torch.cuda.stream(side):
            under_way.append((block.to(device, non_blocking=True), side.record_event()))
        if len(under_way) >= _IN_FLIGHT:
            yield from arrived()
    while under_way:
        yield from arrived()
