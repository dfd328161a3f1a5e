"""What is wrong once is told once, where it is and as what it is."""

from __future__ import annotations

import codecs
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field

import vaezoo
from tests.spec.conftest import GOOD, Write
from vaezoo.registry import Encoder, ImageShape, Plugin, Registry, hookimpl
from vaezoo.registry.module_contracts import Shape
from vaezoo.registry.registry import new_registry
from vaezoo.spec import validate


class Odd(Encoder, use="odd"):
    """Fields of every form."""

    size: int | tuple[int, int] = 1
    sizes: tuple[tuple[int, int], ...] = Field((), max_length=2)
    named: dict[str, int] = Field({}, min_length=0)
    few: tuple[int, ...] = Field((1,), min_length=2, validate_default=False)

    def build(self, image: ImageShape, output: Shape):
        raise NotImplementedError


@pytest.fixture
def odd() -> Registry:
    module: Any = ModuleType("odd")
    module.vaezoo_components = hookimpl(lambda: [Odd], specname="vaezoo_components")
    registry = new_registry()
    registry.add(Plugin("odd", "1", "here"), module)
    return registry


#: What is written for the odd encoder, and the messages it must give.
WRONG = {
    "size: x": ["'model.encoder.size' must be an integer or a list, not the text 'x'"],
    "size: [1, x]": ["'model.encoder.size[1]' must be an integer, not the text 'x'"],
    "size: [1]": ["'model.encoder.size' needs 2 entries, but has 1"],
    "size: [1, 2, 3]": ["'model.encoder.size' needs 2 entries, but has 3"],
    "size: {a: 1}": ["'model.encoder.size' must be an integer or a list, not a mapping"],
    "sizes: [[1, 2], [1]]": ["'model.encoder.sizes[1]' needs 2 entries, but has 1"],
    "sizes: [[1, x]]": ["'model.encoder.sizes[0][1]' must be an integer, not the text 'x'"],
    "sizes: [[1, 2], [3, 4], [5, 6]]": ["'model.encoder.sizes' needs at most 2 entries, but has 3"],
    "named: {a: x}": ["'model.encoder.named.a' must be an integer, not the text 'x'"],
    "few: [1, x]": ["'model.encoder.few[1]' must be an integer, not the text 'x'"],
    "few: [x, y]": [
        "'model.encoder.few[0]' must be an integer, not the text 'x'",
        "'model.encoder.few[1]' must be an integer, not the text 'y'",
    ],
    "few: []": ["'model.encoder.few' needs at least 2 entries, but is empty"],
    "few: [1]": ["'model.encoder.few' needs at least 2 entries, but has 1"],
}


@pytest.mark.parametrize("written", WRONG)
def test_lists_tuples_mappings_and_unions(written: str, odd: Registry, write: Write) -> None:
    path = write(GOOD.replace("{use: mlp, hidden: [400]}", f"{{use: odd, {written}}}", 1))
    assert [finding.message for finding in validate(path, registry=odd)] == WRONG[written]


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("epochs: 3", "еpochs: 3", "U+0435 CYRILLIC SMALL LETTER IE (looks like e)"),
        ("name: probe", "nａme: probe", "U+FF41 FULLWIDTH LATIN SMALL LETTER A (looks like a)"),
        ("use: mlp", "use: mlр", "U+0440 CYRILLIC SMALL LETTER ER (looks like p)"),
        ("epochs: 3", "epochs: ３", "U+FF13 FULLWIDTH DIGIT THREE (looks like 3)"),
        ("train:", "tra\u200bin:", "U+200B ZERO WIDTH SPACE (cannot be seen)"),
        ("latent: 2", "latent:\u00a02", "U+00A0 NO-BREAK SPACE (looks like a space)"),
    ],
)
def test_letters_that_look_like_others(before: str, after: str, named: str, write: Write) -> None:
    (finding,) = vaezoo.validate(write(GOOD.replace(before, after, 1)))
    assert finding.hint
    assert named in finding.hint


@pytest.mark.parametrize(
    ("before", "after"),
    [("epochs: 3", "еpochs: 3"), ("use: mlp", "use: mlр"), ("train:", "tra\u200bin:")],
)
def test_look_alike_letters_of_keys_and_names_are_repaired(
    before: str, after: str, write: Write
) -> None:
    path = write(GOOD.replace(before, after, 1))
    (repair,) = vaezoo.repair(path)
    assert repair.after == GOOD.encode()


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1_000", "1000"), ("'3'", "3"), ("–3", "-3"), ("1 000", "1000"), ("1,000", "1000")],
)
def test_a_text_that_is_meant_as_a_number(written: str, meant: str, write: Write) -> None:
    (finding,) = vaezoo.validate(write(GOOD.replace("epochs: 3", f"epochs: {written}")))
    assert finding.code == "VZ203"
    assert finding.hint
    assert f"write {meant}, without quotes" in finding.hint


@pytest.mark.parametrize(
    ("written", "meant"), [("yes", "true"), ("On", "true"), ("no", "false"), ("OFF", "false")]
)
def test_a_text_that_is_meant_as_true_or_false(written: str, meant: str, write: Write) -> None:
    optimizer = f"train:\n  optimizer: {{use: sgd, lr: 0.001, nesterov: {written}}}"
    (finding,) = vaezoo.validate(write(GOOD.replace("train:", optimizer)))
    assert finding.message.startswith("'train.optimizer.nesterov' must be true or false")
    assert finding.hint == f"write {meant}, without quotes"


def test_a_merge_key_is_one_finding(write: Write) -> None:
    text = GOOD.replace("encoder: {", "encoder: &m {").replace(
        "decoder: {use: mlp, hidden: [400]}", "decoder: {<<: *m}"
    )
    (finding,) = vaezoo.validate(write(text))
    assert (finding.code, finding.message) == ("VZ103", "the merge key << is not supported")
    assert finding.span
    assert (finding.span.start.line, finding.span.start.column) == (7, 13)


@pytest.mark.parametrize("path", [r"C:\Users\me", r"C:\temp", r"\\server\share", r"D:\new"])
def test_a_path_of_windows_in_double_quotes(path: str, write: Write) -> None:
    dataset = f'dataset: {{use: image_folder, path: "{path}", height: 8}}'
    (finding,) = vaezoo.validate(write(GOOD.replace("dataset: fashion_mnist", dataset)))
    assert finding.code == "VZ103"
    assert finding.hint
    assert f"'{path}'" in finding.hint


def test_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    for encoding, named in (("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-32", "UTF-32")):
        path.write_text(GOOD, encoding)
        (finding,) = vaezoo.validate(path)
        assert finding.message == f"the file is {named}, not UTF-8"
    path.write_text(GOOD + "summary: déjà vu\n", "latin-1")
    (finding,) = vaezoo.validate(path)
    assert finding.hint == "save it as UTF-8 (in Windows-1252 this byte is é)"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "byte order mark"])
def test_a_byte_that_is_not_utf8_has_its_place(mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(mark + b"vaezoo: 1\n \xed\xa0\x80name: x\n")
    (finding,) = vaezoo.validate(path)
    assert finding.message == "the file is not UTF-8: invalid byte 0xed"
    assert finding.span
    assert (finding.span.start.line, finding.span.start.column) == (2, 2)
