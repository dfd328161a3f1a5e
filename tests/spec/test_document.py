"""YAML as people mean it, with the place of every key and value."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaezoo.diagnostics import SpecError
from vaezoo.spec import load_document, parse_document


def value(text: str) -> object:
    document, findings = parse_document(f"key: {text}", "test")
    assert findings == []
    return document.data()["key"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e-3", 1e-3),
        ("1e3", 1000.0),
        ("-1.5", -1.5),
        (".5", 0.5),
        ("010", 10),
        ("0o17", 15),
        ("0xff", 255),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("on", "on"),
        ("no", "no"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1'", "1"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("1e", "1e"),
        ("+", "+"),
        (".", "."),
    ],
)
def test_words_mean_what_people_mean(text: str, meant: object) -> None:
    got = value(text)
    assert got == meant
    assert type(got) is type(meant)


def test_nan_is_a_number() -> None:
    got = value(".nan")
    assert isinstance(got, float)
    assert math.isnan(got)


def test_keys_are_text_whatever_they_look_like() -> None:
    document, _ = parse_document("1: a\ntrue: b\n", "test")
    assert document.data() == {"1": "a", "true": "b"}


def test_spans_of_keys_and_values() -> None:
    document, _ = parse_document("a:\n  b: [1, two]\nc: x  # note\n", "f.yaml")
    assert str(document.key_span(("a", "b"))) == "f.yaml:2:3"
    assert str(document.value_span(("a", "b", 1))) == "f.yaml:2:10"
    mapping = document.value_span(("a",))
    assert mapping is not None
    assert (mapping.end.line, mapping.end.column) == (2, 14)
    assert document.value_span(("a", "nothing")) is None


def test_an_alias_is_its_anchor_at_another_place() -> None:
    document, _ = parse_document("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert document.data() == {"a": {"b": 1}, "c": {"b": 1}}
    assert str(document.value_span(("c",))) == "f.yaml:2:4"
    assert str(document.value_span(("c", "b"))) == "f.yaml:1:11"


def test_the_first_of_two_keys_stays() -> None:
    document, findings = parse_document("a: 1\na: 2\n", "test")
    assert document.data() == {"a": 1}
    assert [finding.code for finding in findings] == ["VZ104"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 10_000, "VZ107"),
        ("a: " + "{a: " * 10_000, "VZ107"),
        ("".join(f"{'  ' * depth}a:\n" for depth in range(200)), "VZ107"),
        ("a: [" + "x, " * 20_000 + "]", "VZ106"),
        ("a: " + "9" * 5_000, "VZ103"),
        ("a: 'x\n", "VZ103"),
        ('a: "\\ud800"\n', "VZ103"),
    ],
)
def test_hostile_texts_end_soon_in_a_finding(text: str, code: str) -> None:
    start = time.process_time()
    parse_document("a: [" + "x, " * 4_000 + "]", "test")
    sound = time.process_time() - start
    with pytest.raises(SpecError) as caught:
        parse_document(text, "test")
    assert caught.value.diagnostics[-1].code == code
    assert time.process_time() - start < 50 * sound


def test_aliases_do_not_nest_deeper_than_text() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 20))]
    with pytest.raises(SpecError) as caught:
        parse_document("\n".join(lines), "test")
    assert caught.value.diagnostics[0].code == "VZ107"


def unreadable(path: Path) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        load_document(path)
    return caught.value.diagnostics[0].code, caught.value.diagnostics[0].message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (2 << 20))
    said = {
        "none.yaml": ("VZ101", "no such file"),
        "pipe.yaml": ("VZ101", "a pipe"),
        "link.yaml": ("VZ101", "a broken link"),
        "circle.yaml": ("VZ101", "symbolic links"),
        ".": ("VZ101", "a directory"),
        "nul\0.yaml": ("VZ101", "null"),
        "large.yaml": ("VZ106", "larger than 1.0 MB"),
    }
    for name, (code, words) in said.items():
        got, message = unreadable(tmp_path / name)
        assert got == code
        assert words in message


def test_a_byte_order_mark_is_not_a_character(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    document, _ = load_document(path)
    assert document.data() == {"a": 1}


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8"))))
def test_any_bytes_end_in_findings_or_a_document(content: bytes) -> None:
    try:
        document, findings = parse_document(content, "test")
    except SpecError as error:
        assert error.diagnostics  # noqa: PT017 (either way of ending is right)
    else:
        assert isinstance(document.data(), dict)
        assert all(finding.span for finding in findings)
