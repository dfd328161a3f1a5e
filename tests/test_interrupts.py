"""Signals to stop are raised where nothing is cut off, and wait elsewhere."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vaezoo.system.interrupts import Terminated, ctrl_c_raised, held, requests_to_end_raised


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)
    time.sleep(1.0)  # the exception comes here, unless it waits


def test_ctrl_c_is_raised_at_once() -> None:
    with ctrl_c_raised() as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
        assert ctrl_c.was_raised
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def import_slowly() -> None:
    with ctrl_c_raised():
        importlib.import_module("slowly_imported")
        time.sleep(5)


@pytest.mark.slow
def test_ctrl_c_waits_for_the_end_of_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly_imported.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(0.3)\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        import_slowly()
    assert sys.modules["slowly_imported"].whole


def test_a_waiting_ctrl_c_can_be_raised_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pressed.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("vaezoo.system.interrupts._AGAIN", 60.0)
    with ctrl_c_raised() as ctrl_c:
        importlib.import_module("pressed")
        assert not ctrl_c.was_raised
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.raise_now()
        ctrl_c.raise_now()  # nothing waits any more


def test_an_ignored_signal_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it
    try:
        with requests_to_end_raised():
            signal.raise_signal(signal.SIGHUP)
            with held():
                signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_held_signal_is_raised_after_the_body() -> None:
    steps = []

    def hold() -> None:
        with ctrl_c_raised(), held():
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.1)
            steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert steps == ["done"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_cleans_up_and_ends_by_the_signal(number: signal.Signals, tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "from vaezoo.system.interrupts import requests_to_end_raised\n"
        "with requests_to_end_raised(), requests_to_end_raised():\n"
        "    try:\n"
        f"        signal.raise_signal({int(number)})\n"
        "        time.sleep(9)\n"
        "    finally:\n"
        "        open('tidied', 'w').close()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == -number
    assert (tmp_path / "tidied").exists()


def test_terminated_is_not_an_ordinary_exception() -> None:
    assert not issubclass(Terminated, Exception)
    assert str(Terminated(signal.SIGTERM)) == "SIGTERM"


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.3, 0.6, 0.9, 1.2, 1.5, 2.0])
def test_ctrl_c_while_torch_is_imported(wait: float, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vaezoo", "sample", "fashion_mlp2", "--n", "4"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode in (0, 130)  # 0: it was done by then
    if process.returncode:
        assert error.splitlines()[-1] == "interrupted"
    assert "Traceback" not in error
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_command_within_a_process_restores_ctrl_c() -> None:
    from vaezoo.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["zoo", "show", "nothing"])
    assert ended.value.code == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
