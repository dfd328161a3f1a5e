"""Components of a plugin get the same report, card, verdicts and lint as built-in ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import vaezoo
from tests.runs.foreign_plugin import Capacity, Cauchy, Fidelity
from vaezoo.diagnostics import Severity
from vaezoo.registry import Registry, discover
from vaezoo.reports.blocks import Bullets, Formula, Paragraph, Picture, Side, Table, text_of
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.subject import subject
from vaezoo.spec import from_data
from vaezoo.spec.lint import lint
from vaezoo.testing import LikelihoodConformance, LossConformance, MetricConformance
from vaezoo.zoo import Entry
from vaezoo.zoo.entry_tables import page
from vaezoo.zoo.model_card import card

PLUGIN = Path(__file__).with_name("foreign_plugin.py")
NETWORK = {"use": "mlp", "hidden": [8]}
WHY = "The source measures in another colour space."


def target(metric: str, value: float, tolerance: float, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "value": value, "tolerance": tolerance, "source": "a paper", **more}


SPEC: dict[str, Any] = {
    "vaezoo": 1,
    "name": "foreign",
    "dataset": "ramps",
    "model": {"latent": 2, "encoder": NETWORK, "decoder": NETWORK, "likelihood": "cauchy"},
    "loss": "capacity",
    "train": {"epochs": 2, "batch_size": 16, "validation": 0.25},
    "metrics": ["fidelity", "elbo"],
    "visualizers": ["mean_image"],
    "targets": [
        target("test/psnr", 25, 1),
        target("test/largest_error", 1.0, 0.001),
        target("test/best_draw", -1000.0, 1.0, note=WHY),
        target("train/distance", 1000.0, 1.0),
        target("validation/kl", 1000.0, 1.0),
    ],
}
CAVEAT = "A Cauchy density has no mean, so reconstructions are medians."


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([str(PLUGIN)])


@pytest.fixture(scope="module")
def entry(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    folder = tmp_path_factory.mktemp("foreign")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        spec = from_data(SPEC, registry)
        return vaezoo.run(spec, zoo=folder / "zoo", device="cpu", registry=registry)


def blocks(found: Any) -> list[Any]:
    """The blocks of a report, including those in columns."""
    inner = [b for b in found if isinstance(b, Side) for column in b.columns for b in column]
    return [*found, *inner]


def text_in(found: list[Any]) -> str:
    """The text of some blocks."""
    lines = [block.line for block in found if isinstance(block, Paragraph)]
    lines += [line for block in found if isinstance(block, Bullets) for line in block.items]
    lines += [block.caption for block in found if isinstance(block, Table | Picture)]
    return "\n".join(map(text_of, lines))


def test_verdicts_use_the_direction_of_the_plugin(entry: Entry) -> None:
    psnr = entry.metrics.figure("test/psnr")
    assert psnr is not None
    assert psnr.value < 24
    assert [(t["metric"], t["verdict"]) for t in entry.metrics.targets] == [
        ("test/psnr", "worse"),
        ("test/largest_error", "better"),
        ("test/best_draw", "better"),
        ("train/distance", "better"),
        ("validation/kl", "apart"),
    ]


def test_a_card_contains_the_plugins_texts(entry: Entry) -> None:
    text = (entry.path / "README.md").read_text("utf-8")
    assert "Higher is better: `psnr`, `best_draw`, `elbo`." in text
    assert "Lower is better: `largest_error`, `reconstruction`." in text
    formula = r"$-10\,\log_{10} \overline{(x_i - m_i)^2}$"
    assert f"- `psnr`: {formula}. A blurred image may have a high one." in text
    assert text.count(CAVEAT) == 1
    assert "| **not reproduced: worse by " in text
    assert "| **not reproduced: better by " in text
    assert f"** – {WHY} |" in text
    assert "say why in a note of the spec's target" in text
    assert "](figures/mean_image.png)" in text
    assert card(Entry(entry.path, "foreign")) == text
    shown = page(Entry(entry.path, "foreign"))
    assert "test/psnr: not reproduced: worse by" in shown
    assert WHY in shown


@pytest.mark.slow
def test_a_report_contains_the_plugins_texts(entry: Entry, registry: Registry) -> None:
    document = report_of(subject(entry.path, None, "cpu", registry))
    found = blocks([block for section in document.sections for block in section.blocks])
    tex = [block.tex for block in found if isinstance(block, Formula)]
    assert any(r"\sum_{i=1}^{36} \log\left[\pi s" in formula for formula in tex)
    assert any(r"|\mathrm{KL} - C|" in formula for formula in tex)
    text = text_in(found)
    assert "s = 0.2 and r the residuals over it" in text
    assert "with one draw z = " in text
    assert "It is the negative ELBO less C wherever the KL is above C." in text
    assert "The objective leaves the rate at its capacity." in text
    assert CAVEAT in text
    assert "in its own words" not in text
    assert "Higher is better: peak signal-to-noise ratio, best draw, ELBO." in text
    assert r"-10\,\log_{10} \overline{(x_i - m_i)^2}" in text
    assert "dB above their noise." in text
    assert "is not reproduced: worse by" in text
    assert WHY in text
    (picture,) = [b for b in found if isinstance(b, Picture) and b.alt == "The mean of the images"]
    assert text_of(picture.caption).startswith("Mean image.")
    rows = [
        [text_of(cell) for cell in row]
        for block in found
        if isinstance(block, Table)
        for row in block.rows
    ]
    value = entry.metrics.figure("test/psnr").value
    assert ["peak signal-to-noise ratio", f"{value:.2f} dB", "–"] in rows


def test_the_lint_uses_the_plugins_texts(registry: Registry) -> None:
    def said(**changes: Any) -> list[str]:
        spec = from_data({**SPEC, "targets": [target(**changes)]}, registry)
        return [f"{d.code} {d.message}" for d in lint(spec) if d.severity is Severity.WARNING]

    assert said(metric="test/psnr", value=25, tolerance=1) == []
    assert said(metric="test/psnr", value=70, tolerance=1) == [
        "VZ417 test/psnr is never above 60, but the target is 70 ± 1"
    ]
    assert said(metric="test/best_draw", value=-1, tolerance=1, samples=9) == [
        "VZ416 the target was measured with 9 draws of z, but test/best_draw is measured with 4"
    ]
    assert said(metric="train/distance", value=1, tolerance=1, samples=9) == [
        "VZ416 the target was measured with 9 draws of z, but train/distance is measured with 1"
    ]


def test_a_figure_that_rises_with_draws_is_a_lower_bound(entry: Entry, registry: Registry) -> None:
    verdict = vaezoo.verify(entry.path, samples=1, registry=registry)
    checks = {check.what: check for check in verdict.checks}
    assert checks["test/best_draw"].passed
    assert "(4 samples)" in checks["test/best_draw"].detail
    assert "(1 sample)" in checks["test/elbo"].detail
    targets = {name for name in checks if name.startswith("target")}
    assert {name for name in targets if not checks[name].passed} == {
        "target test/psnr",
        "target test/largest_error",
        "target train/distance",
        "target validation/kl",
    }


@pytest.mark.parametrize(
    ("kit", "component"),
    [
        (LikelihoodConformance, Cauchy()),
        (LossConformance, Capacity()),
        (MetricConformance, Fidelity()),
    ],
)
def test_the_plugin_passes_the_conformance_kit(kit: Any, component: Any) -> None:
    checks = type("Checks", (kit,), {"component": component})()
    checks.test_description()


def test_a_wrong_description_of_a_metric_is_found() -> None:
    class Steady(Fidelity, use="steady"):
        """Says that more draws change nothing."""

        figures = tuple(
            dataclasses.replace(quantity, with_samples="unbiased") for quantity in Fidelity.figures
        )

    class Narrow(Fidelity, use="narrow"):
        """Says that it stays below 1 dB."""

        figures = (dataclasses.replace(Fidelity.figures[0], most=1.0), *Fidelity.figures[1:])

    def checks(component: Any) -> Any:
        return type("Checks", (MetricConformance,), {"component": component})()

    checks(Fidelity()).test_trend_with_samples()
    with pytest.raises(AssertionError, match=r"best_draw rises by .* with more draws of z"):
        checks(Steady()).test_trend_with_samples()
    with pytest.raises(AssertionError, match=r"psnr is .*, but its class says from 0 to 1"):
        checks(Narrow()).test_figures()


def test_a_figure_without_description_is_refused() -> None:
    with pytest.raises(TypeError, match=r"has 'psnr'; describe it as Quantity\('psnr', better="):

        class Named(Fidelity, use="named"):
            """Names its figures alone."""

            figures = ("psnr",)  # type: ignore[assignment]
