"""Commands in the pages print what the pages show. VAEZOO_UPDATE_GOLDEN=1 rewrites the pages."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT, Block, blocks, write_named
from vaezoo.cli import main

PAGES = {"README.md": ROOT / "README.md", "spec.md": ROOT / "docs" / "spec.md"}
#: Files that a page mentions and does not show.
UNSHOWN = {
    "_misspelled.yaml": "extends: my_vae.yaml\n\nloss: {betta: 4}\n",
    "misspelled_child.yaml": "name: misspelled_child\nextends: _misspelled.yaml\n",
}


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks("console", page)], ids=str
)
def test_a_command_prints_what_the_page_shows(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_named(blocks("yaml", block.page), tmp_path)
    for name, text in UNSHOWN.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    line, _, shown = block.text.partition("\n")
    program, *arguments = shlex.split(line.removeprefix("$ "))
    assert program == "vaezoo"
    with pytest.raises(SystemExit):
        main(arguments)
    printed = capsys.readouterr().out
    if os.environ.get("VAEZOO_UPDATE_GOLDEN"):
        page = PAGES[block.page]
        page.write_text(page.read_text("utf-8").replace(block.text, f"{line}\n{printed}"), "utf-8")
        return
    assert printed == shown
