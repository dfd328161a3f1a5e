"""Batches of images from the device, host memory and disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vaezoo.data import image_batches, prefetch, streamed
from vaezoo.data.image_batches import Images, batches, shuffled_batches
from vaezoo.data.resident import Resident
from vaezoo.data.streamed import Streamed, gather_sorted

CPU = torch.device("cpu")


def numbered(count: int) -> Tensor:
    """Images that encode their own index."""
    numbers = torch.arange(count)
    images = torch.stack([(numbers >> 8 * byte) % 256 for byte in range(2)], 1)
    return images.to(torch.uint8).reshape(-1, 1, 1, 2)


def by_rows(images: Tensor) -> Streamed:
    """The same images as shuffled rows of a tensor."""
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(5))
    among = torch.empty_like(images).index_copy_(0, rows, images)
    return Streamed(among, CPU, rows=rows, gather=gather_sorted, threads=3)


HOW: list[Callable[[Tensor], Images]] = [Resident, lambda images: Streamed(images, CPU), by_rows]
places = pytest.mark.parametrize("place", HOW, ids=["device", "host", "disk"])


@places
@given(count=st.integers(1, 200), size=st.integers(1, 64), seed=st.integers(0, 1000))
def test_batches_contain_every_image_once(
    place: Callable[[Tensor], Images], count: int, size: int, seed: int
) -> None:
    images = numbered(count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    for made, expected in (
        ([batch.images for batch in batches(place(images), size)], images),
        ([one.images for one in shuffled_batches(place(images), order, size)], images[order]),
    ):
        assert torch.equal(torch.cat(made), expected.to(torch.float32) / 255)
        assert [len(batch) for batch in made[:-1]] == [size] * (len(made) - 1)
        assert all(batch.is_contiguous() and batch.dtype == torch.float32 for batch in made)


@places
def test_the_gather_size_does_not_change_the_batches(
    place: Callable[[Tensor], Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, order = place(numbered(100)), torch.arange(100).flip(0)
    whole = list(shuffled_batches(images, order, 8))
    monkeypatch.setattr(image_batches, "GATHER_BYTES", 1)
    for one, other in zip(whole, shuffled_batches(images, order, 8), strict=True):
        assert torch.equal(one.images, other.images)


@places
def test_selected_images(place: Callable[[Tensor], Images]) -> None:
    stored = numbered(300)
    images, some = place(stored), torch.tensor([299, 0, 7, 7])
    assert images.shape == stored.shape
    assert len(images) == 300
    assert images.device == CPU
    assert torch.equal(images[some], stored[some])
    assert torch.equal(images[:16], stored[:16])
    assert torch.equal(images[290:], stored[290:])


def test_the_number_of_prefetched_blocks_is_limited() -> None:
    made: list[int] = []
    gone: list[Tensor] = []

    def make(number: int) -> Tensor:
        made.append(number)
        return torch.tensor(number)

    blocks = prefetch.prefetch(
        make, range(100), depth=3, threads=2, device=CPU, release=gone.append
    )
    for number, block in zip(range(20), blocks, strict=False):
        assert block.item() == number
        assert max(made) <= number + 3
        assert [one.item() for one in gone] == list(range(number))
    assert isinstance(blocks, Iterator)
    del blocks


def test_an_error_in_a_thread_is_raised_to_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def torn(images: Tensor, rows: Tensor, out: Tensor) -> None:
        raise OSError("the disk is gone")

    images = Streamed(numbered(50), CPU, gather=torn)
    with pytest.raises(OSError, match="the disk is gone"):
        list(batches(images, 10))
    monkeypatch.setattr(streamed, "_PREFETCH_BYTES", 1)
    assert len(list(batches(Streamed(numbered(50), CPU), 10))) == 5


def test_no_thread_reads_after_an_epoch_is_closed() -> None:
    reading: list[int] = []

    def slowly(images: Tensor, rows: Tensor, out: Tensor) -> None:
        reading.append(int(rows[0]))
        streamed.gather_rows(images, rows, out)

    epoch = batches(Streamed(numbered(5000), CPU, gather=slowly), 1)
    next(epoch)
    epoch.close()  # type: ignore[attr-defined]
    count = len(reading)
    assert count < 50
    time.sleep(0.05)
    assert len(reading) == count


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("threads", [1, 4])
def test_a_gpu_gets_the_same_batches_from_host_memory(threads: int) -> None:
    stored, gpu = numbered(3000).repeat(1, 1, 8, 64), torch.device("cuda")
    order = torch.randperm(3000, generator=torch.Generator().manual_seed(0))
    near = Resident(stored.to(gpu))
    far = Streamed(stored, gpu, gather=gather_sorted, threads=threads)
    for _ in range(3):
        made = zip(
            shuffled_batches(near, order.to(gpu), 64),
            shuffled_batches(far, order.to(gpu), 64),
            stored[order].split(64),
            strict=True,
        )
        for one, other, expected in made:
            assert other.images.device.type == "cuda"
            assert torch.equal(one.images, other.images)
            torch.testing.assert_close(other.images.cpu(), expected / 255, atol=1e-7, rtol=0)


@pytest.mark.gpu
@needs_gpu
def test_blocks_in_use_by_a_slow_gpu_are_not_overwritten() -> None:
    gpu = torch.device("cuda")
    stored = torch.arange(200, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 512, 512)
    found = []
    for block in Streamed(stored, gpu).blocks(4):
        torch.cuda._sleep(20_000_000)  # the reading below waits behind this, the loop does not
        found.append(block.amax((1, 2, 3)))
    assert torch.cat(found).tolist() == list(range(200))


@pytest.mark.gpu
@needs_gpu
def test_the_number_of_blocks_on_a_slow_gpu_is_limited() -> None:
    gpu = torch.device("cuda")
    stored = torch.zeros(400, 1, 512, 512, dtype=torch.uint8)
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for block in Streamed(stored, gpu).blocks(4):
        torch.cuda._sleep(5_000_000)
        block.amax()
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before < 8 * 4 * 512 * 512


@pytest.mark.gpu
@needs_gpu
def test_draws_on_a_gpu_do_not_depend_on_the_placement() -> None:
    gpu = torch.device("cuda")
    grey = torch.randint(0, 256, (25_000, 1, 8, 8), dtype=torch.uint8)
    generators = [torch.Generator(gpu).manual_seed(4) for _ in range(2)]
    for _ in range(2):
        one = Resident(grey.to(gpu)).drawn(generators[0])
        other = Streamed(grey, gpu).drawn(generators[1])
        assert torch.equal(one[:], other[:])
