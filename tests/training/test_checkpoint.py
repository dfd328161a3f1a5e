"""A checkpoint is restored completely, or refused with a hint."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.helpers import small_spec
from vaezoo.diagnostics import RunError
from vaezoo.model import build
from vaezoo.system import safetensors_io
from vaezoo.training import checkpoint, sealed_file
from vaezoo.training.checkpoint import TrainingState, restore, save, snapshot

IDENTITY = "a run"


def state_of(seed: int = 0, betas: tuple[float, float] = (0.9, 0.999)) -> TrainingState:
    model = build(small_spec(), seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), betas=betas)
    sum(parameter.square().sum() for parameter in model.parameters()).backward()
    optimizer.step()
    order, noise = (torch.Generator().manual_seed(seed + n) for n in (1, 2))
    return TrainingState(model, optimizer, order, noise, compiled=False)


def as_json(text: dict) -> str:
    return json.dumps(text, sort_keys=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run" / checkpoint.FILE
    path.parent.mkdir()
    save(snapshot(state_of()), path, IDENTITY)
    return path


#: what refused checkpoints leave as it is
OTHER = state_of(seed=5)


def refused(path: Path, because: str = "") -> None:
    with pytest.raises(RunError, match=r"VZ604(.|\n)*--fresh") as raised:
        restore(OTHER, path, IDENTITY)
    assert because in str(raised.value)


def test_restoring_a_checkpoint_restores_the_state(path: Path) -> None:
    state = state_of(seed=5, betas=(0.5, 0.5))
    restore(state, path, IDENTITY)
    first, second = snapshot(state), snapshot(state_of())
    assert as_json(first.text) == as_json(second.text)
    assert safetensors_io.digest(first.tensors) == safetensors_io.digest(second.tensors)


def test_the_same_state_gives_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    save(snapshot(state_of()), path, IDENTITY)
    assert path.read_bytes() == before


def test_every_flipped_bit_is_refused(path: Path) -> None:
    content, chance = path.read_bytes(), random.Random(0)
    header = 8 + struct.unpack("<Q", content[:8])[0]
    places = [
        *range(24),
        *chance.sample(range(header), 300),
        *chance.sample(range(len(content)), 100),
    ]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        refused(path)


def test_every_truncation_and_extension_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in [*range(0, len(content), 997), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(path, "damaged")
    path.write_bytes(content + b"\0")
    refused(path, "damaged")


def edited(path: Path, change: Callable[[dict], object], *, seal: bool = False) -> None:
    """Change the header; with ``seal``, update the seal, too."""
    tensors, header, _ = sealed_file.load(path)
    state = json.loads(header["state"])
    change(state)
    header["state"] = json.dumps(state, sort_keys=True)
    if seal:
        del header["seal"]
        sealed_file.save(path, tensors, header)
    else:
        safetensors_io.save(path, tensors, header)


def set_betas(state: dict) -> None:
    state["optimizer"]["groups"][0]["betas"] = [0.5, 0.999]


def test_a_state_that_was_edited_is_refused(path: Path) -> None:
    edited(path, set_betas)
    refused(path, "it was changed after it was written")


CHANGES: dict[str, Callable[[dict], object]] = {
    "no history": lambda state: state.pop("history"),
    "a history of numbers": lambda state: state.update(history=[1, 2]),
    "an unknown field": lambda state: state.update(history=[{"epoch": 1, "other": 2}]),
    "no optimizer": lambda state: state.update(optimizer=None),
    "groups of another model": lambda state: state["optimizer"]["groups"].append({}),
    "a state that is a list": lambda state: state["optimizer"].update(plain=[1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_malformed_state_is_refused(path: Path, name: str) -> None:
    edited(path, CHANGES[name], seal=True)
    refused(path, "its content does not match")


def test_tensors_of_another_model_are_refused(path: Path) -> None:
    tensors, header, _ = sealed_file.load(path)
    del header["seal"]
    sealed_file.save(path, {**tensors, "model.more": torch.zeros(1)}, header)
    refused(path, "its content does not match")


def earlier(path: Path) -> None:
    """Rewrite the checkpoint in the previous format, without a seal."""
    tensors, header, _ = sealed_file.load(path)
    del header["seal"]
    texts = {"format": "vaezoo checkpoint 2", "content": safetensors_io.digest(tensors)}
    safetensors_io.save(path, tensors, {**header, **texts})


def test_the_previous_format_is_read(path: Path) -> None:
    earlier(path)
    state = state_of(seed=5)
    restore(state, path, IDENTITY)
    assert as_json(snapshot(state).text) == as_json(snapshot(state_of()).text)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(path, "it was changed after it was written")


def test_a_sealed_checkpoint_is_not_read_as_the_previous_format(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"vaezoo checkpoint 3", b"vaezoo checkpoint 2"))
    refused(path, "it was changed after it was written")


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_only_a_regular_file_is_read(path: Path, kind: str) -> None:
    path.rename(path.with_name("other"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("other")
    else:
        path.mkdir()
    refused(path, "not a regular file")
