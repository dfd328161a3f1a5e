"""Memory that is kept between steps, as the system counts it."""

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

#: In a process of its own, whose heap nothing else has shaped: pages that 20 rounds of taking and
#: giving back 12 MB cost before and inside; MB that are held inside and afterwards. It begins as
#: glibc does, which raises its thresholds or not depending on what was freed when.
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


def found(**environment: str) -> dict[str, int]:
    theirs = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")  # whoever runs this may have chosen too
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


def test_what_is_taken_again_and_again_is_not_handed_out_anew() -> None:
    counts = found()
    assert counts["before"] > 10_000  # 3,072 pages a round
    assert counts["inside"] < counts["before"] / 20


def test_afterwards_it_is_given_back() -> None:
    counts = found()
    assert counts["held afterwards"] < counts["held inside"] - 150


def test_what_the_user_chose_stays() -> None:
    counts = found(MALLOC_MMAP_THRESHOLD_="131072")
    assert counts["inside"] > 10_000
