"""The tutorial: write every file and run every command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT
from tests.scaffold.conftest import few_clothes  # noqa: F401 - a fixture

PAGE = ROOT / "docs" / "plugin_tutorial.md"
TIMEOUT = 500.0
#: Stand-ins for the programs of the page. ``pip install -e`` writes the metadata without building,
#: which needs a network. ``vaezoo run`` trains on the first few hundred images.
PROGRAMS = {
    "vaezoo": """
for word in "$@"; do
  case "$word" in run) set -- "$@" --set "dataset.root=$FEW_CLOTHES";; esac
done
exec "$PYTHON" -m vaezoo "$@"
""",
    "pytest": 'exec "$PYTHON" -m pytest -q -p no:cacheprovider "$@"',
    "pip": """
[ "$1 $2" = "install -e" ]
exec "$PYTHON" -c 'if True:
    import pathlib, sys
    from tests.scaffold.installed import Environment
    Environment(pathlib.Path.cwd()).install(pathlib.Path(sys.argv[1]))
' "${3/'[test]'/}"
""",
}


def fences(text: str) -> Iterator[tuple[str, str]]:
    """(language, content) of the fenced blocks of a page."""
    for match in re.finditer(r"^```(\w+)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


def shell(folder: Path, images: Path) -> dict[str, str]:
    """Environment variables of a shell with these programs."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\nset -e\n{text}\n")
        (programs / name).chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAEZOO_", "PYTEST_"))}
    paths = (folder / "site", folder / "vaezoo-patches" / "src", ROOT)
    return kept | {
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "FEW_CLOTHES": str(images),
        "VAEZOO_CACHE": str(folder / "cache"),
    }


@pytest.mark.slow
def test_the_tutorial_from_an_empty_folder(tmp_path: Path, few_clothes: Path) -> None:  # noqa: F811
    variables = shell(tmp_path, few_clothes)
    output = ""
    for language, text in fences(PAGE.read_text("utf-8")):
        if language == "sh":
            done = subprocess.run(
                ["bash", "-e", "-c", text],
                cwd=tmp_path,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}"
            output += done.stdout
        else:
            head, _, _ = text.partition("\n")
            (tmp_path / head.removeprefix("# ")).write_text(text, "utf-8")
    assert {path.name for path in (tmp_path / "zoo").iterdir()} >= {"patches", "coarse"}
    assert "side: 7" in (tmp_path / "zoo" / "patches" / "spec.yaml").read_text("utf-8")
    assert (tmp_path / "patches-samples.png").is_file()
    assert (tmp_path / "coarse-samples.png").is_file()
    assert "warning" not in output
    assert "FAIL" not in output


def test_first_step_has_at_most_five_commands() -> None:
    language, first = next(fences(PAGE.read_text("utf-8")))
    assert language == "sh"
    assert len(first.splitlines()) <= 5
    assert "vaezoo run" in first.splitlines()[-1]
