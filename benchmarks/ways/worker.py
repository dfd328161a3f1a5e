"""How a way of training is asked for epochs: one line in, one line of JSON out.

    python benchmarks/ways/plain.py mlp images.npy

prints what it is made of, then waits; each line that it reads makes it train for one epoch and
print the seconds that it took. So ways of different environments can take turns.
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
    """What is trained, and on how many images a step."""

    variant: str
    latent: int
    batch_size: int


WORKS = {"mlp": Work("fashion_mlp2", 2, 64), "conv": Work("fashion_conv12", 12, 128)}

#: Takes the name of a work and uint8 images (N, 28, 28); gives what trains for an epoch, and notes.
Prepare = Callable[[str, np.ndarray], tuple[Callable[[], object], dict[str, str]]]


def serve(prepare: Prepare, *distributions: str) -> None:
    """Answer for epochs until there is no more input; ``distributions`` are those in use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("images", help="a .npy file of uint8 images (N, 28, 28)")
    arguments = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    epoch, notes = prepare(arguments.work, np.load(arguments.images))
    versions = {name: metadata.version(name) for name in distributions}
    print(json.dumps({"versions": versions, **notes}), file=answers, flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        epoch()
        _wait_for_the_gpu()
        print(json.dumps(time.perf_counter() - began), file=answers, flush=True)


def _wait_for_the_gpu() -> None:
    """An epoch is over when the device has done it; PyTorch's loops return before."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.synchronize()
