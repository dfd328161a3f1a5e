"""vaezoo's training loop on the variant's spec, including checkpoints."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from worker import WORKS, serve

from vaezoo.data.resident import Resident
from vaezoo.model import build
from vaezoo.registry import discover
from vaezoo.registry.fields import value_at
from vaezoo.spec import read
from vaezoo.training import Observer, checkpoint, loop
from vaezoo.training.checkpoint_schedule import Saver
from vaezoo.training.epoch import run_epoch
from vaezoo.training.execution.choose_step import choose_step
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.training.execution.precision import matmul_precision, resolve_precision

_CONTEXTS = contextlib.ExitStack()
SPECS = Path(__file__).resolve().parent.parent.parent / "specs"


def prepare(work: str, images: np.ndarray) -> tuple[Callable[[], None], dict[str, str]]:
    overrides = ["train.validation=0", f"train.precision={os.environ['PRECISION']}"]
    path = SPECS / f"{WORKS[work].variant}.yaml"
    spec = read(path, overrides=overrides, registry=discover())
    device = torch.device(os.environ["DEVICE"])
    resident = Resident(torch.from_numpy(images).unsqueeze(1).to(device))
    model = build(spec).to(device)
    state = checkpoint.TrainingState(
        model,
        spec.train.optimizer.build(model.parameters(), value_at(spec.train.optimizer.lr, 0)),
        order=torch.Generator(device).manual_seed(1),
        noise=torch.Generator(device).manual_seed(2),
    )
    precision = resolve_precision(spec.train.precision, device)
    _CONTEXTS.enter_context(memory_kept())  # as in a run
    folder = Path(tempfile.mkdtemp(prefix="vaezoo-benchmark-"))
    saver = Saver(folder / checkpoint.FILE, "benchmark")
    began = time.perf_counter()
    with matmul_precision(precision, device):
        loss = loop.build_loss(spec, device)
        step, execution = choose_step(spec, state, loss, resident, "on", Observer())
    ready = time.perf_counter() - began
    execution = dataclasses.replace(execution, precision=precision)  # a run does this, too
    ended = time.perf_counter()

    def epoch() -> None:
        nonlocal ended
        # write checkpoints as if the time in which other loops train were part of this run
        saver._last_saved += time.perf_counter() - ended
        with matmul_precision(precision, device):
            record = run_epoch(spec, state, step, resident, Observer())
        state.history.append(record)
        saver.finished_epoch(state)
        ended = time.perf_counter()

    return epoch, {"road": str(execution), "made_ready": f"{ready:.1f} s"}


if __name__ == "__main__":
    serve(prepare, "vaezoo", "torch")
