"""Our safetensors files: the reference reads them, equal contents are equal bytes, damage shows."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from vaezoo.diagnostics import ZooError
from vaezoo.system import safetensors_io

EVERY_TYPE = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)


def tensors() -> dict[str, torch.Tensor]:
    numbers = torch.arange(3)  # three: an odd count misaligns whatever follows a narrow type
    found = {f"a_{dtype}": numbers.to(dtype) for dtype in EVERY_TYPE}
    image = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    return {
        **found,
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(2.5),
        "channels_last": image.contiguous(memory_format=torch.channels_last),
        "transposed": image[0, 0].T,
        "expanded": torch.ones(1).expand(7),
        "with_gradient": torch.ones(2, requires_grad=True),
    }


def test_reference_library_reads_equal_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors_io.save(path, tensors(), {"b": "β", "a": "1"})
    for read in (load_file(path), safetensors_io.load(path)[0]):
        assert read.keys() == tensors().keys()
        for name, expected in tensors().items():
            assert read[name].dtype == expected.dtype
            assert torch.equal(read[name], expected), name
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"a": "1", "b": "β"}
    assert safetensors_io.load(path)[1] == safetensors_io.read_header(path) == {"a": "1", "b": "β"}


def test_order_of_arguments_does_not_matter(tmp_path: Path) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    safetensors_io.save(one, tensors(), {"a": "1", "b": "2"})
    backwards = dict(reversed(tensors().items()))
    safetensors_io.save(other, backwards, {"b": "2", "a": "1"})
    assert one.read_bytes() == other.read_bytes()
    assert safetensors_io.digest(tensors()) == safetensors_io.digest(backwards)


def test_header_is_sorted_and_aligned(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors_io.save(path, tensors(), {"b": "2", "a": "1"})
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert list(header) == sorted(header)
    assert list(header["__metadata__"]) == ["a", "b"]


def test_digest_tells_value_type_shape_and_name_apart() -> None:
    several = [
        {"w": torch.zeros(4)},
        {"w": torch.tensor([0, 0, 0, 1.0])},
        {"w": torch.zeros(2, 2)},
        {"w": torch.zeros(4, dtype=torch.int32)},
        {"v": torch.zeros(4)},
    ]
    assert len({safetensors_io.digest(tensors) for tensors in several}) == len(several)


def test_type_without_a_name_in_the_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'w' is complex64"):
        safetensors_io.save(tmp_path / "a", {"w": torch.zeros(1, dtype=torch.complex64)}, {})
    assert list(tmp_path.iterdir()) == []


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    safetensors_io.save(path, {"w": torch.zeros(1)}, {})
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        safetensors_io.save(path, {"w": torch.ones(1)}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def framed(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04\x95pickle",
        b"\xff" * 64,
        framed(b"[]"),
        framed(b"null"),
        framed(b"[" * 200_000),
        framed(b'{"w": 1}'),
        framed(b'{"w": {"data_offsets": [0, 4]}}', b"0000"),
        framed(b'{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}', b"0000"),
        framed(b'{"w": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}', b"0000"),
        framed(b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, "4"]}}', b"0000"),
        framed(b'{"__metadata__": []}'),
        framed(b'{"__metadata__": {"a": 1}}'),
    ],
)
def test_foreign_file_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(ZooError, match=r"VZ502: .*a.safetensors is not a valid safetensors file"):
        safetensors_io.load(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    safetensors_io.save(path, {"w": torch.arange(5.0), "v": torch.ones(3)}, {"spec": "{}"})
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    for damaged in (whole[:cut], whole + b"\0" * (cut + 1)):
        path.write_bytes(damaged)
        for read in (safetensors_io.load, safetensors_io.read_header):
            with pytest.raises(ZooError, match="VZ502"):
                read(path)
    flipped = bytearray(whole)
    flipped[cut] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(flipped))
    with suppress(ZooError):  # whatever else it raised would be a traceback to the user
        safetensors_io.load(path)


def test_float16_halves_tensors_in_its_range() -> None:
    given = {
        "plain": torch.tensor([0.1, -2.0]),
        "large": torch.tensor([1.0, 1e5]),
        "not_finite": torch.tensor([1.0, float("nan"), float("inf")]),
        "count": torch.tensor([7]),
        "double": torch.ones(1, dtype=torch.float64),
    }
    found = safetensors_io.in_format(given, "float16")
    kinds = {name: tensor.dtype for name, tensor in found.items()}
    assert kinds["plain"] == kinds["not_finite"] == torch.float16
    assert kinds["large"] == torch.float32, "float16 would make 1e5 infinite"
    assert (kinds["count"], kinds["double"]) == (torch.int64, torch.float64)
    assert found["plain"].float() == pytest.approx(given["plain"], rel=2**-11)
    assert safetensors_io.in_format(given, "float32") == given
