"""What the page of the spec shows of commands is what they print."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.docs.conftest import Block, blocks, write_named
from vaezoo.cli import main

#: Files that the page speaks of and does not show.
UNSHOWN = {
    "_misspelt.yaml": "extends: my_vae.yaml\n\nloss: {betta: 4}\n",
    "misspelt_child.yaml": "name: misspelt_child\nextends: _misspelt.yaml\n",
}


@pytest.mark.parametrize("block", blocks("console", "spec.md"), ids=str)
def test_a_command_prints_what_the_page_shows(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_named(blocks("yaml", "spec.md"), tmp_path)
    for name, text in UNSHOWN.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    line, _, shown = block.text.partition("\n")
    program, *arguments = shlex.split(line.removeprefix("$ "))
    assert program == "vaezoo"
    with pytest.raises(SystemExit):
        main(arguments)
    assert capsys.readouterr().out == shown
