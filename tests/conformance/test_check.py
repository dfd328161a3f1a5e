"""``vaezoo plugins check`` and what is under it, on plugins in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vaezoo.cli.commands import cli
from vaezoo.diagnostics import PluginError
from vaezoo.testing.conformance.runner import CheckOutcome, Options, check_plugin

OPTIMIZER = '''
from pydantic import Field
from vaezoo import Optimizer, Positive, hookimpl

class Plain(Optimizer, use="{use}"):
    """Gradient descent."""

    lr: Positive = Field(1e-3, description="learning rate, a number or a schedule")

    def build(self, parameters, lr):
        import torch
        return torch.optim.SGD(parameters, lr=lr)

@hookimpl
def vaezoo_components():
    return [Plain]
'''


def write(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plugins", "check", *arguments], standalone_mode=False)


def test_a_sound_file_passes(tmp_path: Path) -> None:
    path = write(tmp_path, "sound_plugin", OPTIMIZER.format(use="sound_descent"))
    done = check(path)
    assert done.return_value == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].split() == ["SUBJECT", "CHECK", "RESULT", "CAUSE"]
    (row,) = (line for line in lines if "reduces a quadratic" in line)
    assert row.split() == ["optimizer", "sound_descent", "reduces", "a", "quadratic", "pass"]
    assert "FAIL" not in done.output
    assert lines[-1].split(" ", 1)[1].startswith("passed")


def test_a_fault_is_shown_with_its_cause_and_ends_in_1(tmp_path: Path) -> None:
    text = OPTIMIZER.format(use="rising").replace("lr=lr)", "lr=lr, maximize=True)")
    path = write(tmp_path, "rising_plugin", text)
    done = check(path)
    assert done.return_value == 1
    (row,) = (line for line in done.output.splitlines() if "FAIL" in line)
    assert "reduces a quadratic" in row
    assert "a quadratic went from" in row


def test_json(tmp_path: Path) -> None:
    path = write(tmp_path, "json_plugin", OPTIMIZER.format(use="as_json"))
    done = check(path, "--json")
    assert done.return_value == 0
    rows = json.loads(done.output)
    assert {row["subject"] for row in rows} == {"plugin json_plugin", "optimizer as_json"}
    assert {row["outcome"] for row in rows} == {"passed", "skipped"}


def test_a_broken_plugin_is_a_failed_check(tmp_path: Path) -> None:
    done = check(write(tmp_path, "torn_plugin", "import no_such_module_anywhere\n"))
    assert done.return_value == 1
    assert "no_such_module_anywhere" in done.output


@pytest.mark.slow
def test_torch_at_import_is_found(tmp_path: Path) -> None:
    text = "import torch\n" + OPTIMIZER.format(use="heavy")
    results = list(check_plugin(write(tmp_path, "heavy_plugin", text)))
    failed = {r.check: r.cause for r in results if r.outcome is CheckOutcome.FAILED}
    assert set(failed) == {"import budget"}
    assert "it imports torch" in failed["import budget"]


@pytest.mark.slow
def test_a_slow_import_is_found(tmp_path: Path) -> None:
    slow = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    path = write(tmp_path, "slow_plugin", slow + OPTIMIZER.format(use="slow"))
    failed = [r for r in check_plugin(path) if r.outcome is CheckOutcome.FAILED]
    assert failed
    assert all("ms of CPU time, more than 50" in r.cause for r in failed)


def test_a_required_field_is_passed_over_or_takes_its_example(tmp_path: Path) -> None:
    text = OPTIMIZER.format(use="lacking")
    text = text.replace("Field(1e-3,", "Field(")
    results = list(check_plugin(write(tmp_path, "lacking_plugin", text)))
    assert "lr must be given" in results[-1].cause
    text = text.replace('use="lacking"', 'use="exemplary"')
    text = text.replace("Field(", "Field(examples=[0.01], ")
    results = list(check_plugin(write(tmp_path, "exemplary_plugin", text)))
    assert results[-1].check == "resumes from its state"
    assert results[-1].outcome is CheckOutcome.PASSED


HOOKS = """
from vaezoo import hookimpl

@hookimpl
def vaezoo_epoch_finished(run, record):
    {body}

@hookimpl
def vaezoo_run_failed(run, error):
    {failing}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "body", "failing", "check"),
    [
        ("calm", "pass", "pass", None),
        ("raises", "raise OSError('full')", "pass", "run hooks in a run"),
        ("late", "pass", "raise OSError('full')", "run hooks in a failing run"),
        (
            "meddles",
            "next(run.model.parameters()).data.zero_()",
            "pass",
            "run hooks in a run",
        ),
    ],
)
def test_run_hooks_are_tried_in_real_runs(
    name: str, body: str, failing: str, check: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path, f"{name}_hooks", HOOKS.format(body=body, failing=failing))
    results = {r.check: r for r in check_plugin(path, options=Options())}
    failed = [name for name, r in results.items() if r.outcome is CheckOutcome.FAILED]
    if check is None:
        assert not failed
    else:
        assert check in failed


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(PluginError, match="VZ304"):
        list(check_plugin("no-such-plugin-anywhere"))
    with pytest.raises(PluginError, match="no entry point in the group 'vaezoo'"):
        list(check_plugin("click"))


@pytest.mark.slow
def test_pytest_is_not_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nimport vaezoo.testing, vaezoo.testing.conformance.runner\n"
        "print('pytest' in sys.modules, '_pytest' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
