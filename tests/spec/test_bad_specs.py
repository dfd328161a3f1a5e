"""Every bad spec beside its golden rendering; VAEZOO_UPDATE_GOLDEN=1 rewrites them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from vaezoo.diagnostics import CODES
from vaezoo.diagnostics.output import render
from vaezoo.registry import discover
from vaezoo.spec import validate

FOLDER = Path(__file__).parent.parent / "bad_specs"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
#: Codes below VZ5 that no file alone can have; their golden renderings are in tests/explanations.
NO_FILE = {"VZ101"}
OF_PLUGINS = {"VZ302", "VZ303", "VZ304"}
OF_ENTRIES = {"VZ305", "VZ306"}
ELSEWHERE = NO_FILE | OF_PLUGINS | OF_ENTRIES


def overrides_in(path: Path) -> list[str]:
    """``# set: key=value`` in a case's first lines stands for ``--set key=value``."""
    return re.findall(r"^# set: (.*)$", path.read_text("latin-1"), re.MULTILINE)


@pytest.mark.parametrize("case", CASES)
def test_rendering_is_the_golden_one(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    path = Path(f"{case}.yaml")
    found = validate(path, overrides=overrides_in(path), registry=discover())
    rendered = render(found) + "\n"
    golden = path.with_suffix(".txt")
    if os.environ.get("VAEZOO_UPDATE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8")
    assert found, "a bad spec has findings"
    assert rendered == golden.read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt"))
    due = {code for code in CODES if code < "VZ5"} - ELSEWHERE
    assert {code for code in due if code not in shown} == set()


def test_no_rendering_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)


def test_messages_hold_no_jargon() -> None:
    for path in FOLDER.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pydantic|Input should|valid dictionary|Traceback", text), path
