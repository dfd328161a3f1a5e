"""Shells complete entries, codes and components, without heavy imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from vaezoo.cli.commands import cli
from vaezoo.diagnostics.codes import CODES

ROOT = Path(__file__).parent.parent.parent


def completed(*words: str) -> list[str]:
    """What a shell offers for the last word."""
    *before, last = words
    complete = ShellComplete(cli, {}, "vaezoo", "_VAEZOO_COMPLETE")
    return [item.value for item in complete.get_completions(before, last)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEZOO_ZOO", raising=False)
    (tmp_path / "other" / "my_model").mkdir(parents=True)


@pytest.mark.parametrize(
    "command",
    ["sample", "draw", "evaluate", "report", "verify", "show", "why", "diff"],
)
def test_entries(command: str) -> None:
    assert completed(command, "mnist_nvae2") == ["mnist_nvae2", "mnist_nvae20"]


def test_entries_of_commands_on_zoos() -> None:
    assert completed("zoo", "show", "fashion_b") == ["fashion_beta1", "fashion_beta4"]
    assert completed("sample", "--zoo", "other", "my") == ["my_model"]
    assert completed("report", "fashion_mlp2", "fashion_beta4") == ["fashion_beta4"]


def test_paths_where_no_name_fits() -> None:
    complete = ShellComplete(cli, {}, "vaezoo", "_VAEZOO_COMPLETE")
    for words, last in ((["sample"], "./zoo"), (["sample", "--zoo", "none"], "./x")):
        (item,) = complete.get_completions(words, last)
        assert item.type == "file"


def test_codes_with_titles() -> None:
    assert completed("explain", "VZ50") == sorted(code for code in CODES if code[:4] == "VZ50")
    assert completed("explain", "VZ501", "vz502") == ["VZ502"]
    complete = ShellComplete(cli, {}, "vaezoo", "_VAEZOO_COMPLETE")
    (item,) = complete.get_completions(["explain"], "VZ501")
    assert item.help == "unknown zoo entry"


def test_components() -> None:
    assert completed("plugins", "show", "bern") == ["bernoulli"]
    assert completed("plugins", "show", "encoder:") == ["encoder:conv", "encoder:mlp"]
    assert "decoder:mlp" in completed("plugins", "show", "deco")
    assert completed("draw", "fashion_mlp2", "mani") == ["manifold"]
    assert completed("evaluate", "mnist_mlp20", "--metrics", "elbo,lin") == ["elbo,linear_probe"]


def test_commands() -> None:
    assert completed("gal") == ["gallery"]
    assert "list" in completed("zoo", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("words", ["sample mnist_nvae2", "explain VZ501", "plugins show bern"])
def test_the_program_answers_shells_without_heavy_imports(shell: str, words: str) -> None:
    last = words.rpartition(" ")[2]
    program = (
        "import sys, atexit; atexit.register(lambda: print(sorted({'torch', 'numpy', "
        "'matplotlib', 'jinja2'} & set(sys.modules)), file=sys.stderr)); "
        "from vaezoo.__main__ import main; main()"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_VAEZOO_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": f"vaezoo {words}",
        "COMP_CWORD": last if shell == "fish" else str(len(words.split())),
    }
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert last in shown.stdout
    assert shown.stderr.strip() == "[]"
