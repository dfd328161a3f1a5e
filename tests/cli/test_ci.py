"""The files for CI do what they say: the pre-commit hooks and the GitHub action."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.cli.test_validate import code
from tests.spec.conftest import GOOD
from vaezoo.cli.commands import cli
from vaezoo.cli.validate import command

ROOT = Path(__file__).parent.parent.parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BAD = GOOD.replace("epochs", "epohcs")


def step(name: str) -> dict[str, Any]:
    (found,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == name]
    return found


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_hooks_run_a_command_that_exists(hook: dict[str, Any]) -> None:
    program, name, *options = hook["entry"].split()
    assert program == "vaezoo"
    assert cli.get_command(click.Context(cli), name) is command
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(options) <= known
    assert hook["language"] == "python"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_hooks_take_specs(hook: dict[str, Any]) -> None:
    for path in ("specs/a.yaml", "specs/b.yml", "specs/published/c.yaml", "plugins/x/specs/d.yaml"):
        assert re.search(hook["files"], path)
    for path in (
        "a.yaml",
        "specs/_base.yaml",
        "specs/.x.yaml",
        "specs/a.yaml.txt",
        "inspecs/a.yml",
    ):
        assert not re.search(hook["files"], path)


def test_the_action_uses_its_inputs() -> None:
    text = (ROOT / "action.yml").read_text()
    assert {name for name in ACTION["inputs"] if f"inputs.{name} }}" in text} == set(
        ACTION["inputs"]
    )
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(ACTION["inputs"])
    for one in ACTION["runs"]["steps"]:
        assert "${{" not in one.get("run", ""), "inputs reach a script as its environment only"


def test_the_page_names_every_input_and_hook() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    for name in (*ACTION["inputs"], *(hook["id"] for hook in HOOKS)):
        assert f"`{name}`" in page


def fenced(language: str) -> list[str]:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_yaml_on_the_page_is_valid_and_uses_existing_names() -> None:
    pre_commit, _, workflow, gitlab = map(yaml.safe_load, fenced("yml"))
    assert {hook["id"] for hook in pre_commit["repos"][0]["hooks"]} == {h["id"] for h in HOOKS}
    (_, action, upload) = workflow["jobs"]["specs"]["steps"]
    assert set(action["with"]) <= set(ACTION["inputs"])
    assert upload["with"]["sarif_file"] == ACTION["inputs"]["sarif"]["default"]
    assert set(gitlab["specs"]["artifacts"]["reports"]) == {"junit", "codequality"}


SPEC = """\
vaezoo: 1
name: my_vae
dataset: fashion_mnist
model:
  latent: 12
  encoder: conv
  decoder: conv_transpose
train:
  epochs: 0
"""


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> str:
    """The JSON report about a spec with one mistake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "my_vae.yaml").write_text(SPEC)
    assert code("validate", "specs", "--format", "json") == 1
    out = capsys.readouterr().out
    assert isinstance(out, str)
    return out


def test_json_on_the_page_is_the_output(printed: str) -> None:
    (shown,) = map(json.loads, fenced("json"))
    report = json.loads(printed)
    assert report.pop("tool")["name"] == shown.pop("tool")["name"]
    assert report == shown


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_the_code_quality_report_of_the_page(printed: str) -> None:
    (script,) = fenced("jq")
    done = subprocess.run(["jq", script], input=printed, capture_output=True, text=True, check=True)
    (issue,) = json.loads(done.stdout)
    assert issue["check_name"] == "VZ204"
    assert issue["severity"] == "major"
    assert issue["location"] == {"path": "specs/my_vae.yaml", "lines": {"begin": 9}}
    assert issue["fingerprint"]


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The step that validates, as GitHub runs it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    one = step("Validate")
    given = {name: value["default"] for name, value in ACTION["inputs"].items()} | inputs
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\S+) \}\}", lambda match: given[match[1]], value)
        for name, value in one["env"].items()
    }
    script = folder / "step.sh"
    script.write_text(one["run"])
    return subprocess.run(
        [bash, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=folder,
        env={
            **os.environ,
            **environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_WORKSPACE": str(folder),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_annotates_and_summarises(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "bad.yaml").write_text(BAD)
    done = run_action(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=specs/bad.yaml,line=9,endLine=9,col=3,endColumn=8,")
    assert "specs/bad.yaml:9:3" in (tmp_path / "summary.md").read_text()
    (found,) = json.loads((tmp_path / "vaezoo.sarif").read_text())["runs"][0]["results"]
    assert found["ruleId"] == "VZ201"


@pytest.mark.slow
def test_the_action_passes_good_specs_and_takes_its_inputs(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD.replace("ignore: [VZ412]\n", ""))
    (tmp_path / "other.yaml").write_text(GOOD.replace("name: probe\n", "") + "name: other\n")
    assert run_action(tmp_path, paths="good.yaml").returncode == 0
    assert run_action(tmp_path, paths="good.yaml", strict="true").returncode == 1
    assert run_action(tmp_path, paths="*.yaml").returncode == 0
    done = run_action(tmp_path, paths="good.yaml\nother.yaml", diff="true", sarif="x.sarif")
    assert done.returncode == 1
    assert "+name: other" in done.stdout
    assert (tmp_path / "x.sarif").exists()


@pytest.mark.slow
def test_commands_are_stopped_while_the_action_prints_a_diff(tmp_path: Path) -> None:
    summary = "summary: |\n  ::set-output name=a::b\n  ##[add-mask]c\n"
    text = GOOD.replace("name: probe\n", f"{summary}name: probe\n")
    (tmp_path / "spec.yaml").write_text(text)
    done = run_action(tmp_path, paths="spec.yaml", diff="true")
    lines = done.stdout.splitlines()
    (begin,) = (i for i, line in enumerate(lines) if line.startswith("::stop-commands::"))
    token = lines[begin].removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert re.fullmatch("[0-9a-f]{32}", token)
    acting = [i for i, line in enumerate(lines) if line.lstrip(" ").startswith("::set-output")]
    assert acting
    assert all(begin < i < end for i in acting)
    assert token not in text
