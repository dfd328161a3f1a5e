"""Sections are put in order with the comments above them, or left alone."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vaezoo
from tests.repair.conftest import SHIPPED, mended, mended_text, with_bases
from tests.spec.conftest import GOOD
from vaezoo.spec.document import parse_document
from vaezoo.spec.repair.reorder import ORDER


def test_the_shipped_specs_have_the_order() -> None:
    for name, content in SHIPPED.items():
        keys = list(parse_document(content, name)[0].data())
        assert keys == sorted(keys, key=ORDER.index)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.randoms(use_true_random=False))
def test_shuffled_sections_become_the_original(name: str, random) -> None:
    """Empty lines stay between the same two places, whatever moves."""
    text = SHIPPED[name].decode()
    parts = re.split(r"(?m)(\n+)(?=[a-z])", text.rstrip("\n"))
    if parts[0].startswith("#"):  # it goes with the key below it
        parts[:3] = ["".join(parts[:3])]
    blocks, gaps = parts[::2], [*parts[1::2], "\n"]
    random.shuffle(blocks)
    shuffled = "".join(block + gap for block, gap in zip(blocks, gaps, strict=True))
    with TemporaryDirectory() as temporary:
        folder = with_bases(Path(temporary))
        (folder / name).write_bytes(shuffled.encode())
        for one in vaezoo.repair(folder / name):
            one.write()
        assert (folder / name).read_bytes() == SHIPPED[name]


BEFORE = """\
# yaml-language-server: $schema=schema.json
name: probe
vaezoo: 1

# what it learns from,
# and nothing else
dataset: fashion_mnist   # grey
train:
  epochs: 3

  # of the seed
  seed: 0
  # the end of train
model:
  latent: 2
  encoder: {use: mlp, hidden: [400]}
  decoder: {use: mlp, hidden: [400]}


summary: |
  Two lines,

  # the last of which is no comment
# left behind

# the end
"""
AFTER = """\
# yaml-language-server: $schema=schema.json
vaezoo: 1
name: probe

summary: |
  Two lines,

  # the last of which is no comment
# what it learns from,
# and nothing else
dataset: fashion_mnist   # grey
model:
  latent: 2
  encoder: {use: mlp, hidden: [400]}
  decoder: {use: mlp, hidden: [400]}


train:
  epochs: 3

  # of the seed
  seed: 0
  # the end of train

# left behind

# the end
"""


def test_sections_move_with_their_comments(tmp_path: Path) -> None:
    before = BEFORE.replace("# left behind\n", "\n# left behind\n")
    assert mended_text(tmp_path, before) == AFTER
    crlf = mended(tmp_path, spec=b"\xef\xbb\xbf" + before.replace("\n", "\r\n").encode())
    assert crlf["spec"] == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode()


def test_the_last_line_need_not_end(tmp_path: Path) -> None:
    text = GOOD.removesuffix("\n").replace("vaezoo: 1\n", "") + "\nvaezoo: 1"
    assert mended_text(tmp_path, text) == GOOD.removesuffix("\n")


LAST = "name: probe\n"
REST = GOOD.replace(LAST, "")
REST_OF_VERSION = GOOD.replace("vaezoo: 1\n", "")


@pytest.mark.parametrize(
    "text",
    [
        BEFORE,  # does the comment behind the summary belong to it?
        f"# of the file, or of the model?\n{REST_OF_VERSION}vaezoo: 1\n",
        REST + "# stands alone\n\n" + LAST,
        "".join(f"  {line}\n" for line in (REST + LAST).splitlines()),  # indented
        "{name: probe,\nvaezoo: 1,\n"
        + "dataset: mnist, model: {latent: 2, encoder: mlp, decoder: mlp}, train: {epochs: 3}}\n",
        "? " + LAST + REST,
        f"{REST}unknown: 1\n{LAST}",
        REST.replace("vaezoo: 1", "vaezoo: 1\nvaezoo: 1") + LAST,  # twice
        f"{REST}{LAST}...\n",
        # the model would come before the anchor that it names
        "vaezoo: 1\nname: probe\ntrain: {epochs: &few 3}\ndataset: mnist\n"
        "model: {latent: *few, encoder: mlp, decoder: mlp}\n",
        f"{REST}{LAST}---\n{REST}",  # two documents
    ],
)
def test_what_is_not_clear_stays(text: str, tmp_path: Path) -> None:
    assert mended_text(tmp_path, text) == text


def test_anchors_may_stay_before_what_names_them(tmp_path: Path) -> None:
    model = "model: {latent: &few 3, encoder: mlp, decoder: mlp}\n"
    before = f"name: probe\nvaezoo: 1\ndataset: mnist\n{model}train: {{epochs: *few}}\n"
    after = before.replace("name: probe\nvaezoo: 1", "vaezoo: 1\nname: probe")
    assert mended_text(tmp_path, before) == after
