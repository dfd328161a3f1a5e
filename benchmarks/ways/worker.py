"""The protocol of a training loop in a process: a line in, a line of JSON out.

    python benchmarks/ways/plain.py mlp images.npy

prints versions and notes, then waits. For each input line it trains for one epoch and prints the
seconds that it took. So loops in different environments can alternate.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import numpy as np


@dataclass(frozen=True)
class Work:
    """The variant and batch size of a workload."""

    variant: str
    latent: int
    batch_size: int


WORKS = {"mlp": Work("fashion_mlp2", 2, 64), "conv": Work("fashion_conv12", 12, 128)}

#: From a workload's name and uint8 images (N, 28, 28) to a function for an epoch, and notes.
Prepare = Callable[[str, np.ndarray], tuple[Callable[[], object], dict[str, str]]]


def serve(prepare: Prepare, *distributions: str) -> None:
    """Train an epoch per input line; report the versions of the packages in ``distributions``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("images", help="a .npy file of uint8 images (N, 28, 28)")
    arguments = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # keep what libraries print out of the answers
    epoch, notes = prepare(arguments.work, np.load(arguments.images))
    versions = {name: metadata.version(name) for name in distributions}
    print(json.dumps({"versions": versions, **notes}), file=answers, flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        epoch()
        _wait_for_the_gpu()
        print(json.dumps(time.perf_counter() - began), file=answers, flush=True)


def _wait_for_the_gpu() -> None:
    """Wait for the device: PyTorch returns before it is done."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.synchronize()
