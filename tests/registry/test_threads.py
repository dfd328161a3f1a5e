"""The first use of vaezoo in several threads at once, each time in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

AT_ONCE = """
import sys, threading, traceback
import vaezoo

barrier, failed, given = threading.Barrier(8), [], []

def work(number):
    barrier.wait()
    try:
        given.append({what})
    except BaseException:
        failed.append(traceback.format_exc())

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed[0]
assert sys.stdout is sys.__stdout__
{then}
"""
SPEC = "'specs/fashion_mlp2.yaml'"
FROM = "__import__('vaezoo.registry', fromlist=['x'])"
#: What every thread does, and what must hold of what they got.
CASES = {
    "load": ("vaezoo.load('fashion_mlp2').sample(1)", "assert len(given) == 8"),
    "load again": ("vaezoo.load('fashion_mlp2').sample(1).shape", "assert len(set(given)) == 1"),
    "read": (f"vaezoo.read({SPEC}).name", "assert set(given) == {'fashion_mlp2'}"),
    "validate": (f"vaezoo.validate({SPEC})", "assert given == [()] * 8"),
    "discover": (f"{FROM}.discover()", "assert len(set(map(id, given))) == 1"),
    "components": (f"len({FROM}.discover().components())", "assert len(set(given)) == 1"),
    "fields": ("str(vaezoo.Schedule(linear=(0, 1), epochs=2))", "assert len(set(given)) == 1"),
    "several": (
        f"[lambda: vaezoo.read({SPEC}).name, lambda: vaezoo.schema()['title'],"
        f" lambda: vaezoo.validate({SPEC}), lambda: vaezoo.why({SPEC}, 'train.epochs')[0].value]"
        "[number % 4]()",
        "assert sorted(map(str, given)) == sorted(['fashion_mlp2', 'vaezoo spec', '()', '20'] * 2)",
    ),
}


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[] if case in ("read", "discover") else [pytest.mark.slow])
        for case in CASES
    ],
)
def test_eight_threads_at_once(case: str, tmp_path: Path) -> None:
    what, then = CASES[case]
    # without what a process before it remembered of plugins, and with it
    for _ in range(2):
        code = AT_ONCE.format(what=what, then=then)
        done = python(code, VAEZOO_CACHE=str(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")


SLOW = """
import time

import vaezoo
from vaezoo import Encoder, hookimpl

print("from the plugin")
time.sleep(0.3)
assert vaezoo.__name__  # a plugin may use vaezoo while it is imported


class Slow(Encoder, use="slow"):
    \"\"\"One that nobody builds.\"\"\"

    def build(self, image, output):
        raise NotImplementedError


@hookimpl
def vaezoo_components():
    return [Slow]
"""


def test_threads_wait_for_a_plugin_that_is_being_imported(tmp_path: Path) -> None:
    plugin = tmp_path / "slow.py"
    plugin.write_text(SLOW)
    code = AT_ONCE.format(
        what=f"{FROM}.discover().find('encoder', 'slow').component.use",
        then="assert given == ['slow'] * 8",
    )
    done = python(code, VAEZOO_CACHE=str(tmp_path / "cache"), VAEZOO_PLUGINS=str(plugin))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "from the plugin\n")
