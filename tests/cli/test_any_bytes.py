"""Whatever bytes lie where a spec should be, ``vaezoo validate`` ends with findings or success."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.spec.conftest import GOOD
from vaezoo.cli.commands import cli

ROOT = Path(__file__).parent.parent.parent
SPECS = [*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests" / "bad_specs").glob("*.yaml")]
CONTENTS = [content for path in sorted(SPECS) if len(content := path.read_bytes()) < 3000]
# fmt: off
#: What YAML is made of, what specs are made of, and what is in nobody's mind.
PIECES = st.sampled_from([
    b"\n", b"\r\n", b"\t", b" ", b"  ", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc2\x85",
    b"\xed\xa0\x80", b"- ", b"? ", b":", b": ", b" #", b"[", b"]", b"{", b"}", b",", b"|\n", b">+",
    b"---\n", b"...",
    b"&a ", b"*a", b"<<: *a", b"!!str ", b"!!python/name:os.system ",
    b"%YAML 1.1\n", b"'", b'"', b"\\",
    b"null", b".nan", b"-.inf", b"0x1", b"1e999", b"9" * 30, b"true", b"-1", b"1e-3",
    b"vaezoo: 1\n", b"name: x\n", b"extends: .\n", b"extends: spec.yaml\n", b"extends: [a, ../b]\n",
    b"matrix:\n  loss.beta: [1, 2]\n", b"matrix: {model: []}\n", b"use: ", b"mlp", b"model: ",
    b"train:\n  epochs: 1\n", b"{linear: [0, 1], epochs: 3}", b"ignore: [VZ412]\n", b"targets: ",
])
# fmt: on
CHANGES = st.tuples(st.floats(0, 1), st.integers(0, 8), PIECES | st.binary(max_size=3))
FORMATS = st.sampled_from(["text", "json", "github", "sarif", "junit"])


def validated(content: bytes, *options: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_bytes(content)
        arguments = ["validate", str(path), *options]
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception:
        raise done.exception
    assert done.return_value in (0, 1)
    assert "Traceback" not in done.output
    assert done.output.strip()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), FORMATS)
def test_any_bytes(content: bytes, name: str) -> None:
    validated(content, "--format", name)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=20).map(b"".join), FORMATS)
@example(b"vaezoo: 1\nextends: spec.yaml\n", "text")
@example(b"a: &a\n  b: *a\n", "text")
def test_anything_like_yaml(content: bytes, name: str) -> None:
    validated(content, "--format", name)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(CONTENTS),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 8), PIECES | st.binary(max_size=3)), max_size=4
    ),
    FORMATS,
)
def test_specs_that_were_damaged(
    content: bytes, changes: list[tuple[float, int, bytes]], name: str
) -> None:
    for where, cut, piece in changes:
        at = int(where * len(content))
        content = content[:at] + piece + content[at + cut :]
    validated(content, "--format", name)
    validated(content, "--fix", "--diff")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.lists(PIECES, max_size=4).map(b"".join))
def test_any_override(text: str, value: bytes) -> None:
    override = f"{text}={value.decode('utf-8', 'replace')}".replace("\0", "")
    validated(GOOD.encode(), "--set", override)
