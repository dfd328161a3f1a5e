"""Reports of the entries that ship: whole, by themselves, and of the length they are to have."""

import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pypdf
import pytest

from tests.reports.conftest import SHIPPED, blocks, formulas, report_on, shipped
from vaezoo.registry import Figure, discover
from vaezoo.reports.blocks import Derivation, Picture, Table, text_of
from vaezoo.reports.figure_tables import label_of, value_of
from vaezoo.reports.html import to_html
from vaezoo.reports.layer_table import layers_of
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.pdf import to_pdf
from vaezoo.reports.subject import subject
from vaezoo.zoo.records import metrics_text

#: One entry by default, all of them with the slow tests.
ENTRIES = [
    name if name == "mnist_mlp2" else pytest.param(name, marks=pytest.mark.slow) for name in SHIPPED
]
#: elements that HTML does not close
VOID = {"meta", "img", "br", "link"}
#: what a page could fetch
FETCHING = {"src", "href", "srcset", "poster", "data", "action", "background"}


class Reader(HTMLParser):
    """Checks that elements close in order, and notes what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.images, self.tags = [], [], [], set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        given = dict(attributes)
        self.fetched += [given[name] for name in FETCHING & given.keys()]
        if tag == "img":
            self.images.append(given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def check_html(page):
    reader = read(page)
    assert not reader.tags & {"script", "link", "iframe", "object"}
    assert reader.fetched
    assert all(address.startswith("data:image/") for address in reader.fetched)
    assert not re.search(r"@import|url\(", page)
    assert all(image["alt"] for image in reader.images)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_has_its_report(name):
    subject = shipped(name)
    document = report_on(name)
    check_html(to_html(document))
    pdf = pypdf.PdfReader(io.BytesIO(to_pdf(document)))
    assert 1 <= len(pdf.pages) <= 3
    assert pdf.metadata is not None
    assert pdf.metadata.title == name
    text = " ".join("".join(page.extract_text() for page in pdf.pages).split())
    for figure in subject.entry.metrics.figures:
        assert text_of(value_of(figure)) in text
    assert subject.entry.header["digest"] in text
    assert len([block for block in blocks(document) if isinstance(block, Picture)]) == 7
    assert len(formulas(document)) == 3
    assert len([block for block in blocks(document) if isinstance(block, Derivation)]) == 2


@pytest.mark.slow
def test_every_figure_is_in_a_table(tmp_path):
    shutil.copytree(shipped("mnist_mlp2").entry.path, tmp_path / "full")
    kinds: list[Any] = [row.component for row in discover().components("metric")]
    names = [quantity.name for kind in kinds for quantity in kind.figures]
    made = [
        Figure(name, 0.25 + n / 50, "a unit", "test", "bernoulli", "none", 9, 10, 0.01, note="so")
        for n, name in enumerate(names)
    ]
    recorded = replace(shipped("mnist_mlp2").entry.metrics, figures=tuple(made))
    (tmp_path / "full" / "metrics.json").write_text(metrics_text(recorded))
    found = subject(tmp_path / "full", None, "cpu", discover())
    assert len(found.entry.metrics.figures) > 15
    pdf = pypdf.PdfReader(io.BytesIO(to_pdf(report_of(found))))
    assert len(pdf.pages) <= 3
    text = " ".join("".join(page.extract_text() for page in pdf.pages).split())
    for figure in found.facts.metrics.figures:
        assert label_of(figure) in text
        assert text_of(value_of(figure)) in text


@pytest.mark.slow
def test_two_entries_side_by_side():
    document = report_on("fashion_beta1", "fashion_beta4")
    check_html(to_html(document))
    assert len(pypdf.PdfReader(io.BytesIO(to_pdf(document))).pages) == 2


@pytest.mark.parametrize("name", ENTRIES)
def test_layers_hold_all_parameters(name):
    subject = shipped(name)
    assert sum(layer.parameters for layer in layers_of(subject.model)) == subject.parameters


def test_layers_are_those_of_the_spec():
    table = next(b for b in blocks(report_on("mnist_mlp2")) if isinstance(b, Table))
    rows = [[text_of(cell) for cell in row] for row in table.rows]
    encoder: Any = shipped("mnist_mlp2").model.spec.model.encoder
    hidden = encoder.hidden[0]
    assert rows[0] == ["encoder", "Linear, ReLU", str(hidden), f"{785 * hidden:,}"]
    assert rows[-1][-1] == f"{shipped('mnist_mlp2').parameters:,}"


@pytest.mark.slow
def test_the_same_report_has_the_same_bytes():
    one, other = report_on("mnist_mlp2"), report_of(shipped("mnist_mlp2"))
    assert to_html(one) == to_html(other)
    assert to_pdf(one) == to_pdf(other)
