"""A folder in which the commands of examples run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from code_examples import BASE, write_files

from tests.helpers import spec_data
from tests.runs.shell import PLUGIN
from vaezoo.cli import main
from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations import Example, explain
from vaezoo.registry.registry import _discover
from vaezoo.training.run_lock import claimed

ROOT = Path(__file__).parent.parent.parent
#: Codes of training: their examples run on a dataset that takes no time.
ON_BLOBS = tuple(f"VZ{number}" for number in range(603, 613))
#: What differs between machines, runs and versions of torch, and what stands for it.
_PASSING = (
    (r"-[0-9a-f]{8}\b", "-01234567"),  # the digest in the name of a run's folder
    (r"(objective became nan) in .*", r"\1 …"),
    (r"(not enough memory): .*", r"\1: …"),
    (r"(choose auto or one of): .*", r"\1: …"),
    (r"(entries:) .* (\(searched zoo), .*(?=\))", r"\1 … \2, …"),
    (r"(?<=it is damaged \().*(?=\))", "…"),
    (r"(?s)(?<=error\[VZ702\]: ).*", "…"),  # which outputs differ depends on the processor
    (r"(?<=  )[\d,]+ images/s  ETA \S+", "… images/s"),
)


class Perform(Protocol):
    def __call__(self, code: str, example: Example, *, fails: bool = True) -> str: ...


@pytest.fixture
def perform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Perform:
    """``perform(code, example)`` runs the commands of an example; the findings they print.

    The last of them must fail, unless it is only to warn or ``fails`` is false.
    """

    def perform(code: str, example: Example, *, fails: bool = True) -> str:
        monkeypatch.chdir(tmp_path)
        for name in [name for name in os.environ if name.startswith("VAEZOO_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("VAEZOO_PLUGINS", str(PLUGIN))
        monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
        _discover.cache_clear()  # each example has plugins of its own under the same names
        with prepared(code, tmp_path, monkeypatch, fails=fails):
            write_files(example, tmp_path)
            capfd.readouterr()
            codes = [run(line.removeprefix("$ ")) for line in example.text.splitlines()]
        assert bool(codes[-1]) == (fails and explain(code).severity is Severity.ERROR)
        shown = capfd.readouterr()
        return findings_in(shown.out + shown.err, tmp_path)

    return perform


def findings_in(printed: str, folder: Path) -> str:
    """What commands printed from their first finding on, alike on every machine."""
    begin = re.search(r"^(error\[|warning\[|interrupted)", printed, re.MULTILINE)
    text = printed[begin.start() :] if begin else ""
    text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "…")
    for passing, standing in _PASSING:
        text = re.sub(passing, standing, text)
    return text.rstrip("\n") + "\n"


def run(command: str) -> int:
    """A command of vaezoo within this process, any other in a shell; its exit code.

    What torchrun starts is run as one process, which sees the others in its environment.
    """
    command = re.sub(r"^torchrun .* -m vaezoo ", "vaezoo ", command)
    if not command.startswith("vaezoo "):
        return subprocess.run(command, shell=True, check=False).returncode
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@contextmanager
def prepared(
    code: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> Iterator[None]:
    """What the commands of a code's examples find in their folder, and beside them."""
    spec = spec_data(train={"epochs": 2}, metrics=["active_units"])
    text = "\n".join(BASE.values()) + "\n"
    write(folder / "spec.yaml", spec if code in ON_BLOBS else text)
    with monkeypatch.context() as patch, ExitStack() as stack:
        if code in ("VZ502", "VZ506"):
            shutil.copy(ROOT / "zoo" / "fashion_mlp2" / "model.safetensors", folder)
        if code in ("VZ304", "VZ305", "VZ306"):
            publish_wide(folder)
        if code in ("VZ604", "VZ606", "VZ608"):
            patch.setenv("BLOBS_INTERRUPT", "epoch 1")
            assert run("vaezoo run spec.yaml --device cpu") == 130
            patch.delenv("BLOBS_INTERRUPT")
        if code == "VZ605" and fails:
            patch.setenv("BLOBS_INTERRUPT", "epoch 1")
        if code == "VZ609" and fails:
            for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "4"}.items():
                patch.setenv(name, value)
        if code == "VZ606":
            (stopped,) = (folder / "runs").iterdir()
            stack.enter_context(claimed(stopped))
        yield


def publish_wide(folder: Path) -> None:
    """Train ``wide_vae`` with the plugin that the examples of VZ304 have beside them."""
    (plugin,) = write_files(explain("VZ304").good, folder)
    model = {"latent": 2, "encoder": "wide", "decoder": "mlp"}
    changes = {"train": {"epochs": 1}, "metrics": ["active_units"]}
    write(folder / "wide.yaml", spec_data(name="wide_vae", model=model, **changes))
    assert run(f"vaezoo --plugin {plugin.name} run wide.yaml --device cpu") == 0
    plugin.unlink()


def write(path: Path, spec: str | dict[str, Any]) -> None:
    path.write_text(spec if isinstance(spec, str) else yaml.safe_dump(spec, sort_keys=False))
