"""The card says what the entry's files say, and its front matter is YAML."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import yaml

from tests.helpers import small_spec
from tests.zoo.parts import FIGURES, TARGET
from vaezoo.evaluation.describe_figures import described
from vaezoo.spec.document import parse_document
from vaezoo.system.yaml_writer import to_yaml


def text_of(entry: Any) -> str:
    return str((entry.path / "README.md").read_text("utf-8"))


def test_front_matter_is_what_the_hub_reads(publisher: Any) -> None:
    _, front, body = text_of(publisher()).split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["library_name"] == "vaezoo"
    assert "license" not in matter  # the spec names none
    assert matter["datasets"] == ["dots"]
    (model,) = matter["model-index"]
    (result,) = model["results"]
    assert result["dataset"]["split"] == "test"
    assert [metric["value"] for metric in result["metrics"]] == [-105.4, 25.0]
    assert body.startswith("\n# tiny\n")


def test_page_holds_figures_targets_pictures_and_notes(publisher: Any) -> None:
    text = text_of(publisher())
    assert "| elbo | -105.40 ± 0.25 | nats per example | test | bernoulli |" in text
    assert "| test/elbo | -105.59 ± 0.6 | -105.40 | reproduced | a \\| b |" in text
    assert "1 of 2 latent dimensions ended unused: z1" in text
    assert "](figures/samples.png)" in text
    assert "](figures/parts-latents.png)" in text
    assert "2 of 2 in 5.0 s" in text
    assert "parts 1.2" in text


def test_verdicts_compare_a_figure_with_its_target(publisher: Any) -> None:
    worse = {**TARGET, "figure": -110.0, "verdict": "worse"}
    assert "| **not reproduced: worse by 4.41** |" in text_of(publisher(targets=[worse]))
    better = {**TARGET, "figure": -100.0, "verdict": "better", "note": "The source | rounds."}
    text = text_of(publisher(targets=[better]))
    assert "| **not reproduced: better by 5.59** – The source \\| rounds. |" in text


@pytest.mark.parametrize(
    ("likelihood", "binarisation", "warned"),
    [
        ("bernoulli", "none, pixels as stored in [0, 1]", True),
        ("bernoulli", "fixed draw", False),
        ("continuous_bernoulli", "none", False),
        ("mse", "fixed draw", True),
    ],
)
def test_a_cross_entropy_is_named_once(
    publisher: Any, likelihood: str, binarisation: str, warned: bool
) -> None:
    spec = small_spec(model={"likelihood": likelihood}, metrics=["elbo"])
    plain = [dataclasses.replace(figure, binarisation=binarisation) for figure in FIGURES]
    figures = described(plain, spec.metrics, spec)
    assert text_of(publisher(figures=figures)).count("no bound on log p(x)") == warned


def test_training_on_test_images_is_stated_next_to_the_figures(publisher: Any) -> None:
    assert "part of the training data" not in text_of(publisher())
    text = text_of(publisher(test_is_trained_on=True))
    assert "## Figures" in text.split("The test images were part of the training data")[0]


def test_the_hubs_own_parser_finds_every_figure(publisher: Any) -> None:
    from huggingface_hub import ModelCard

    entry = publisher()
    data = ModelCard.load(entry.path / "README.md").data
    assert data.model_name == "tiny"
    found = [(r.dataset_split, r.metric_type, r.metric_value) for r in data.eval_results]
    assert found == [(f.split, f.name, f.value) for f in entry.metrics.figures]
    assert {r.dataset_type for r in data.eval_results} == {"dots"}
    # what it would upload is read back as the same
    again = ModelCard(f"---\n{data.to_yaml()}\n---\n").data
    assert again.to_dict() == data.to_dict()


def test_rounded_weights_are_said(publisher: Any) -> None:
    from vaezoo.zoo.model_card import card

    entry = publisher()
    assert "float16" not in card(entry)
    entry.spec_data["publish"] = {"weights": "float16"}
    assert "Weights: trained in float32, rounded to float16" in card(entry)


def test_yaml_reads_as_what_was_written() -> None:
    data = {
        "texts": ["on", "1e-3", "0o17", "1.", "no", "~", "a: b", "# c", "ü", ""],
        "numbers": [1e-3, 1e-12, 1e22, 3, -0.5],
        "same": [{"a": None}, {"a": None}],
        "nested": [[1, 2], [3, 4]],
        "long": [f"item {n}" for n in range(30)],
    }
    text = to_yaml(data)
    assert yaml.safe_load(text)["numbers"] == data["numbers"]
    document, findings = parse_document(text, "spec.yaml")
    assert findings == []
    assert document.data() == data
    assert "&" not in text
