"""``vaezoo.repair``: what it looks at, what it leaves alone, and how it writes."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vaezoo
from tests.repair.conftest import SHIPPED, mended
from tests.spec.conftest import GOOD

BAD = GOOD.replace("epochs", "epohcs")
CORPUS = sorted((Path(__file__).parent.parent / "bad_specs").glob("*.yaml"))


def test_nothing_is_written_before_write(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(BAD)
    (one,) = vaezoo.repair(path)
    assert path.read_text() == BAD
    assert (one.path, one.before, one.after) == (path, BAD.encode(), GOOD.encode())
    assert one.changes == ("epohcs → epochs",)


def test_mode_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "spec.yaml", tmp_path / "link.yaml"
    path.write_text(BAD)
    path.chmod(0o640)
    link.symlink_to("real/spec.yaml")
    (one,) = vaezoo.repair([link, path])
    one.write()
    assert link.is_symlink()
    assert path.read_text() == GOOD
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["spec.yaml"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(BAD)
    (one,) = vaezoo.repair(path)
    path.write_text(BAD + "# more\n")
    with pytest.raises(vaezoo.VaezooError, match=r"VZ503.*changed since it was read"):
        one.write()
    assert path.read_text() == BAD + "# more\n"


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs the program patch")
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_patch_takes_the_diff(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = BAD.replace("vaezoo: 1\n", "").replace("\n", ending or "\n") + "vaezoo: 1" + ending
    Path("spec.yaml").write_bytes(text.encode())
    (one,) = vaezoo.repair("spec.yaml")
    command = ["patch", "-p0", "--binary"]
    subprocess.run(command, input=one.diff().encode(), check=True, stdout=subprocess.DEVNULL)
    assert Path("spec.yaml").read_bytes() == one.after


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_any_bad_spec_is_repaired_once(path: Path, tmp_path: Path) -> None:
    """And has no more errors than before: a repair brings no new ones about."""
    shutil.copytree(path.parent / "bases", tmp_path / "bases")
    for base in path.parent.glob("*.yaml"):
        if base.stem.startswith("extends") or base.stem.startswith("matrix"):
            shutil.copy(base, tmp_path)
    target = shutil.copy(path, tmp_path / path.name)
    os.chmod(target, 0o644)
    before = vaezoo.validate(target)
    for one in vaezoo.repair(target):
        one.write()
    assert vaezoo.repair(target) == ()
    assert len(vaezoo.validate(target)) <= len(before)


def test_what_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (tmp_path / "latin.yaml").write_bytes(BAD.encode() + b"# d\xe9j\xe0 vu\n")
    (tmp_path / "large.yaml").write_bytes(BAD.encode() + b"#" * (2 << 20))
    (tmp_path / "tabs.yaml").write_bytes(BAD.encode().replace(b"  epohcs", b"\tepohcs"))
    assert vaezoo.repair([tmp_path, tmp_path / "nothing.yaml"]) == ()


# fmt: off
PIECES = st.sampled_from([
    "\n", "\r", "\r\n", "\u2028", "\t", "  ", "\ufeff", "- ", "? ", ": ", " #", "[", "{", "}", ",",
    "|", "&a ", "*a", "---\n", "'", '"', "\\", "x", "é", "😀", "name", "epoch: 3\n", "# c\n",
])
# fmt: on


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(SHIPPED)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), PIECES), min_size=1, max_size=3),
)
def test_whatever_a_spec_became_a_second_repair_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    changes: list[tuple[float, int, str]],
) -> None:
    text = SHIPPED[name].decode()
    for where, cut, piece in changes:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + cut :]
    folder = tmp_path_factory.mktemp("specs")
    mended(folder, spec=text.encode())
