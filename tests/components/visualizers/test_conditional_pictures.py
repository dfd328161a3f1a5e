"""Pictures of a conditional model say which class they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.helpers import built_in, small_spec
from vaezoo.model import build
from vaezoo.registry import DataFacts, EvaluationContext


def context_of(**model: Any) -> EvaluationContext:
    spec = small_spec(model={"condition": "labels", **model})
    return EvaluationContext.of_test(build(spec).eval(), spec.dataset.build())


def title(context: EvaluationContext, use: str, **fields: Any) -> str:
    figure = built_in("visualizer", use, **fields).draw(context)
    text: str = figure.texts[0].get_text()
    return text.partition(": ")[2]


@pytest.fixture(scope="module")
def context() -> EvaluationContext:
    return context_of()


@pytest.mark.parametrize(
    ("use", "fields", "expected"),
    [
        ("samples", {}, "samples by class"),
        ("reconstructions", {}, "reconstructions"),
        ("latent_scatter", {}, "posterior means by class"),
        ("manifold", {"n": 3}, "latent plane, class a"),
        ("manifold", {"n": 3, "label": "c"}, "latent plane, class c"),
        ("traversals", {}, "latent traversals, class a"),
        ("traversals", {"label": 3}, "latent traversals, class d"),
        ("traversals", {"image": 2}, "latent traversals, class c"),
        ("interpolations", {"label": "b"}, "interpolations, class b"),
    ],
)
def test_titles(
    context: EvaluationContext, use: str, fields: dict[str, Any], expected: str
) -> None:
    assert title(context, use, **fields) == expected


def test_samples_have_a_row_for_each_class(context: EvaluationContext) -> None:
    figure = built_in("visualizer", "samples", columns=3).draw(context)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c", "d"]
    (sheet,) = axes.images
    shown = torch.from_numpy(sheet.get_array()[7:13, :6].copy())  # the first image of b
    expected = context.model.sample(3, labels="b", seed=context.seed)[0, 0]
    torch.testing.assert_close(shown, expected)


def test_interpolations_join_images_of_the_class(context: EvaluationContext) -> None:
    figure = built_in("visualizer", "interpolations", pairs=3, label="d").draw(context)
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names.count("d") == 6


def test_one_latent_and_many() -> None:
    assert title(context_of(latent=1), "manifold", n=3) == "latent line, class a"
    words = title(context_of(latent=3), "manifold", n=3, label="b")
    assert words.startswith("plane of z")
    assert words.endswith(", class b")


def test_pictures_without_images(context: EvaluationContext) -> None:
    absent = EvaluationContext.without_images(context.model)
    assert title(absent, "samples") == "samples by class"
    assert title(absent, "traversals", label="d") == "latent traversals, class d"


def test_a_class_that_does_not_exist_is_refused_before_training(context: EvaluationContext) -> None:
    facts = DataFacts(context.spec.dataset, 96, 96, has_labels=True)
    picture = built_in("visualizer", "traversals", label="e")
    assert "there is no class 'e'" in str(picture.data_problem(context.spec, facts))
    assert "no class 4" in str(
        built_in("visualizer", "manifold", label=4).data_problem(context.spec, facts)
    )
    plain = small_spec()
    assert "the model has no condition" in str(picture.data_problem(plain, facts))
    known = built_in("visualizer", "traversals", label="d")
    assert known.data_problem(context.spec, facts) is None


def test_a_spec_without_a_label_is_written_as_before() -> None:
    assert "label" not in built_in("visualizer", "manifold").to_spec()
    assert built_in("visualizer", "manifold", label="a").to_spec()["label"] == "a"


@pytest.mark.parametrize(
    "use", ["elbo", "active_units", "information", "reconstruction_error", "importance_weighted"]
)
def test_metrics_use_the_labels(context: EvaluationContext, use: str) -> None:
    metric = built_in("metric", use)
    given = {one.name: one.value for one in metric.compute(context)}
    assert context.split.labels is not None
    turned = replace(context.split, labels=(context.split.labels + 1) % 4)
    other = {one.name: one.value for one in metric.compute(replace(context, split=turned))}
    assert given.keys() == other.keys()
    if use != "active_units":
        assert given != other
