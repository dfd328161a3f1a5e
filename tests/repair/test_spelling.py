"""Misspelt keys and names are put right, and nothing beside them moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import vaezoo
from tests.repair.conftest import SHIPPED, mended, mended_text, with_bases
from tests.spec.conftest import GOOD
from vaezoo.spec import Spec
from vaezoo.spec.document import parse_document
from vaezoo.spec.nodes import Node
from vaezoo.spec.repair.similarity import only_key


def keys_of(node: Node) -> Iterator[tuple[int, int, str]]:
    """Every key below a node: line, column, and the key."""
    if isinstance(node.content, dict):
        for name, item in node.content.items():
            yield item.key.start.line, item.key.start.column, name
            yield from keys_of(item.value)
    elif isinstance(node.content, list):
        for inner in node.content:
            yield from keys_of(inner)


def misspell(name: str, line: int, column: int, wrong: str) -> bytes:
    """A shipped spec with one of its keys written wrongly."""
    lines = SHIPPED[name].decode().splitlines(keepends=True)
    text = lines[line - 1]
    rest = text[column - 1 :]
    key = rest[: rest.index(":")]
    lines[line - 1] = text[: column - 1] + wrong + rest[len(key) :]
    return "".join(lines).encode()


#: The keys whose misspelling is not another finding first: a component is told by ``use``, a
#: schedule by its shape, and a spec without its version or its base is another spec.
KEYS = [
    (name, *place)
    for name, content in SHIPPED.items()
    for place in keys_of(parse_document(content, name)[0].root)
    if len(place[2]) >= 4
]


def slip(key: str, kind: int, at: int, letter: str) -> str:
    """The key with one letter left out, doubled, replaced or swapped, but never its first."""
    at = 1 + at % (len(key) - 2)
    match kind:
        case 0:
            return key[:at] + key[at + 1 :]
        case 1:
            return key[:at] + key[at] + key[at:]
        case 2:
            return key[:at] + letter + key[at + 1 :]
    return key[:at] + key[at + 1] + key[at] + key[at + 2 :]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KEYS), st.integers(0, 3), st.integers(0, 20), st.sampled_from("aeioukqwxyz"))
def test_a_misspelt_key_of_a_shipped_spec_becomes_the_original(
    key: tuple[str, int, int, str], kind: int, at: int, letter: str
) -> None:
    name, line, column, right = key
    slipped = slip(right, kind, at, letter)
    # what is near two keys, such as metris (metrics, matrix), is left alone
    assume(column > 1 or only_key(slipped, {*Spec.model_fields, "extends", "matrix"}) == right)
    broken = misspell(name, line, column, slipped)
    with TemporaryDirectory() as temporary:
        folder = with_bases(Path(temporary))
        (folder / name).write_bytes(broken)
        for one in vaezoo.repair(folder / name):
            one.write()
        assert (folder / name).read_bytes() == SHIPPED[name]
        assert not [f for f in vaezoo.validate(folder / name) if f.severity == "error"]


def test_the_shipped_specs_need_no_repair(tmp_path: Path) -> None:
    assert vaezoo.repair(with_bases(tmp_path)) == ()


DRESSED = """\
# A spec with all that an editor may leave in it.\r
vaezoo: '1'   # the format\r
name: "probe"\r
\r
\r
summary: >-   \r
  folded,  with  two\r
  spaces – and a dash\r
dataset: {use: 'fashon_mnist'}  # tabs\tand spaces   \r
model:\r
    latent:   2\r
    encoder:   { 'use' : mpl,hidden: [ 400 , ] }\r
    decoder:\r
        "use": "mlp"\r
        "hiden": [400]  \r
trian:\r
    epohcs : 3\r
    # the seed of everything\r
    'sed': 0\r
    optimizer: {use: adam, betsa: [0.9, 0.99]}\r
visualizers: [sample, "manifolds"]\r
ignore: [VZ412]"""


def test_comments_quotes_blanks_line_breaks_and_mark_stay(tmp_path: Path) -> None:
    after = mended(tmp_path, spec=b"\xef\xbb\xbf" + DRESSED.encode())["spec"]
    wanted = DRESSED
    for wrong, right in {
        "'1'": "1",
        "fashon_mnist": "fashion_mnist",
        ": mpl": ": mlp",
        "hiden": "hidden",
        "trian": "train",
        "epohcs": "epochs",
        "'sed'": "'seed'",
        "betsa": "betas",
        "[sample,": "[samples,",
        "manifolds": "manifold",
    }.items():
        assert wanted.count(wrong) == 1
        wanted = wanted.replace(wrong, right)
    assert after == b"\xef\xbb\xbf" + wanted.encode()
    assert vaezoo.validate(tmp_path) == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("encoder: {use: mlp", "encoder: {use: mpl"),
        ("hidden: [400]}\n  decoder", "hiden: [400]}\n  decoder"),
        ("hidden: [400]}\n  decoder", "hidden: [400], activation: leaky_rleu}\n  decoder"),
        ("hidden: [400]}\n  decoder", "hidden: [400], init: glorot_unifrom}\n  decoder"),
        ("dataset: fashion_mnist", "dataset: fashion_mnits"),
        ("epochs: 3", "epochs: 3\n  early_stoping: {patience: 2}"),
        ("epochs: 3", "epochs: 3\n  early_stopping: {patiense: 2}"),
    ],
)
def test_what_is_put_right_validates(wrong: str, right: str, tmp_path: Path) -> None:
    mended_text(tmp_path, GOOD.replace(wrong, right, 1))
    (spec,) = vaezoo.expand(tmp_path / "spec.yaml")
    assert spec.name == "probe"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("epochs: 3", "epochs: 3\n  epoch: 4"),  # both keys are there
        GOOD.replace("epochs: 3", "epoch: 3\n  epohcs: 4"),  # two would become one
        GOOD.replace("epochs: 3", "learning: 3"),  # nothing is close
        GOOD.replace("encoder: {use: mlp", "encoder: {use: conv2"),  # may be a plugin's
        GOOD.replace("epochs: 3", "epochs: three"),  # no name
        GOOD.replace("epochs: 3", '"ep\\x6fch": 3'),  # written with an escape
        GOOD.replace("epochs: 3", "epoch: 3\n  seed: 1\n  seed: 2"),  # the YAML is at fault
        GOOD.replace("probe", "Probe"),  # a name of one's own
        GOOD.replace("name: probe", "name: [probe"),
    ],
)
def test_what_is_not_clear_stays(text: str, tmp_path: Path) -> None:
    assert mended_text(tmp_path, text) == text


def test_an_anchored_value_is_fixed_for_all_its_aliases(tmp_path: Path) -> None:
    text = GOOD.replace("{use: mlp, hidden: [400]}", "&net {use: mlp, hiden: [400]}", 1)
    text = text.replace("decoder: {use: mlp, hidden: [400]}", "decoder: *net")
    assert mended_text(tmp_path, text) == text.replace("hiden", "hidden")
    assert vaezoo.validate(tmp_path) == ()


def test_a_name_in_a_matrix(tmp_path: Path) -> None:
    text = GOOD + "matrix:\n  model.encoder: [mpl, {use: conv, chanels: [8]}]  # two\n"
    assert mended_text(tmp_path, text) == text.replace("mpl", "mlp").replace("chan", "chann")


BASE = GOOD.replace("epochs", "epohcs")
HEIR = "extends: _base.yaml\nvaezoo: 1\nname: heir\nloss: {bteta: 2}\n"


def test_a_base_is_repaired_only_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "_base.yaml").write_text(BASE)
    after = mended(tmp_path, heir=HEIR)
    assert after["heir"].decode() == HEIR  # its beta is told by nothing before use is known
    assert (tmp_path / "_base.yaml").read_text() == BASE
    (one,) = vaezoo.repair([tmp_path / "_base.yaml", tmp_path / "heir.yaml"])
    assert one.path.name == "_base.yaml"
    assert one.after.decode() == GOOD


def test_an_heir_is_read_over_its_repaired_base(tmp_path: Path) -> None:
    """In memory: a base's component that is now known tells its heir's parameters."""
    base = GOOD.replace("encoder: {use: mlp, hidden: [400]}", "encoder: {use: mpl}")
    heir = "extends: base.yaml\nvaezoo: 1\nname: heir\nmodel: {encoder: {hiden: [8]}}\n"
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "a_heir.yaml").write_text(heir)
    repairs = vaezoo.repair(tmp_path)
    assert [one.changes for one in repairs] == [("hiden → hidden",), ("mpl → mlp",)]
    assert (tmp_path / "base.yaml").read_text() == base, "nothing is written yet"
    for one in repairs:
        one.write()
    assert not [f for f in vaezoo.validate(tmp_path) if f.severity == "error"]


def test_a_misspelt_extends_lets_the_rest_be_read(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(GOOD)
    heir = "extend: base.yaml\nvaezoo: 1\nname: heir\nmodel: {encoder: {hiden: [8]}}\n"
    after = mended(tmp_path, heir=heir)["heir"].decode()
    assert after == heir.replace("extend", "extends").replace("hiden", "hidden")
