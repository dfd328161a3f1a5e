"""Memory that stays allocated between steps, as the system counts it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc"),
]

#: Print the page faults of 20 rounds that allocate and free 12 MB, before and inside
#: ``memory_kept``, and the resident MB inside and afterwards. This runs in a process of its own
#: with glibc's initial thresholds, which depend on earlier allocations otherwise.
ROUNDS = """
import ctypes, json, resource, torch
from vaezoo.training.execution.malloc import memory_kept

for parameter in (-1, -3):
    ctypes.CDLL(None).mallopt(parameter, 2**17)

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        pieces = [torch.ones(2**18) for _ in range(12)]
        del pieces
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 2**20

found = {"before": pages()}
with memory_kept():
    pages()
    found["inside"] = pages()
    pieces = [torch.ones(2**18) for _ in range(200)]
    del pieces
    found["held inside"] = held()
found["held afterwards"] = held()
print(json.dumps(found))
"""


def measure(**environment: str) -> dict[str, int]:
    theirs = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")  # settings of whoever runs the tests
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    done = subprocess.run(
        [sys.executable, "-c", ROUNDS],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


def test_freed_memory_is_reused() -> None:
    counts = measure()
    assert counts["before"] > 10_000  # 3,072 pages a round
    assert counts["inside"] < counts["before"] / 20


def test_memory_is_returned_afterwards() -> None:
    counts = measure()
    assert counts["held afterwards"] < counts["held inside"] - 150


def test_settings_of_the_user_stay() -> None:
    counts = measure(MALLOC_MMAP_THRESHOLD_="131072")
    assert counts["inside"] > 10_000
