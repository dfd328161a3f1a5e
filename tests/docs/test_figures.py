"""docs/figures.md explains every metric: its figures, equation and source."""

from __future__ import annotations

import re

import pytest

from tests.docs.conftest import ROOT
from vaezoo.registry import Component, Metric, discover

TEXT = (ROOT / "docs" / "figures.md").read_text("utf-8")
METRICS = [r.component for r in discover().components("metric") if r.plugin.name == "vaezoo"]


def section(metric: type[Component]) -> str:
    """The section of a metric."""
    found = re.search(rf"^### `{metric.use}`\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/figures.md has no section on {metric.use}"
    return found[1]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.use)
def test_metric_has_a_section_with_figures_equation_and_source(metric: type[Metric]) -> None:
    text = section(metric)
    for figure in (quantity.name for quantity in metric.figures):
        assert f"**{figure}**" in text, f"{metric.use} does not explain {figure}"
    assert text.count("$$") >= 2, f"{metric.use} has no equation"
    assert re.search(r"\b(19|20)\d\d\b", text), f"{metric.use} names no source"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.use)
def test_cited_source_is_listed(metric: type[Metric]) -> None:
    listed = TEXT[TEXT.index("## Sources") :]
    for authors, year in re.findall(r"([A-ZÀ-Ž][\w ,.ä]*?) \(?((?:19|20)\d\d)\b", section(metric)):
        first = re.split(r" and | et al|,", authors)[0].split()[-1]
        assert re.search(rf"{first}\b[^\n]*\({year}\)", listed), f"{authors} {year} is not listed"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.use)
def test_table_lists_the_figures_of_metric(metric: type[Metric]) -> None:
    row = re.search(rf"^\| \[`{metric.use}`\].*$", TEXT, re.MULTILINE)
    assert row, f"{metric.use} is not in the table"
    assert all(f"`{quantity.name}`" in row[0] for quantity in metric.figures)
