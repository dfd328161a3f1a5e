"""The specs and entries of this repository: whole, in step with each other and with the README."""

import json
import re
from pathlib import Path

import pytest
import readme_table
import torch

from vaezoo.evaluation.run_metrics import evaluate
from vaezoo.registry import Batch, EvaluationContext, discover
from vaezoo.spec import read
from vaezoo.zoo import Entry
from vaezoo.zoo.model_card import card
from vaezoo.zoo.old_names import RENAMED
from vaezoo.zoo.plugin_drift import drift

ROOT = Path(__file__).parent.parent
SPECS = {path.stem: path for path in sorted((ROOT / "specs").rglob("*.yaml"))}
#: Prepared; its entry is still to come.
UNTRAINED = readme_table.UNTRAINED
TRAINED = [name for name in SPECS if name not in UNTRAINED]


def entry_of(name):
    return Entry(ROOT / "zoo" / name, name)


def spec_of(name):
    return read(SPECS[name], registry=discover())


def test_every_spec_has_its_entry_and_every_entry_its_spec():
    entries = {path.parent.name for path in (ROOT / "zoo").glob("[!.]*/model.safetensors")}
    assert entries == set(TRAINED)
    assert {path.name for path in (ROOT / "zoo").glob("[!.]*")} == entries | {RENAMED}


def test_a_renamed_entry_is_there_by_its_present_name_alone():
    renamed = json.loads((ROOT / "zoo" / RENAMED).read_text("utf-8"))
    assert set(renamed.values()) <= set(TRAINED)
    assert not renamed.keys() & SPECS.keys()


@pytest.mark.parametrize("name", TRAINED)
def test_an_entry_was_trained_by_its_spec_as_it_stands(name):
    # read again, since a key that is younger than the entry has its default there
    recorded = entry_of(name).spec(discover())
    assert recorded.canonical() == spec_of(name).canonical()


@pytest.mark.parametrize("name", TRAINED)
def test_an_entry_is_whole(name):
    entry = entry_of(name)
    spec = spec_of(name)
    epochs = len(entry.history)
    assert epochs <= spec.train.epochs if spec.train.early_stopping else epochs == spec.train.epochs
    assert [path.stem for path in entry.figures] == sorted(v.use for v in spec.visualizers)
    assert (entry.path / "README.md").read_text("utf-8") == card(entry)
    assert not (entry.path / "spec.yaml").read_text("utf-8").isspace()


@pytest.mark.parametrize("name", TRAINED)
def test_an_entry_samples_and_reconstructs(name):
    model = entry_of(name).load()
    images = model.sample(4, seed=1)
    assert images.shape == (4, 1, 28, 28)
    assert 0 <= images.min() < images.max() <= 1
    labels = 3 if model.condition else None
    assert model.reconstruct(images, labels).shape == images.shape


@pytest.mark.parametrize("name", TRAINED)
def test_an_entry_was_trained_by_the_components_as_they_stand(name):
    found = drift(entry_of(name).lock, discover(), name)
    assert [finding.message for finding in found] == []


@pytest.mark.parametrize("name", TRAINED)
def test_no_figure_is_worse_than_published(name):
    results = entry_of(name).metrics.targets
    assert len(results) == len(spec_of(name).targets)
    assert {target["verdict"] for target in results} <= {"reproduced", "better"}


def test_an_unused_latent_is_said_in_the_card():
    metrics = entry_of("fashion_beta4").metrics
    per_dimension = metrics.figure("test/kl").per_dimension
    unused = [f"z{i}" for i, nats in enumerate(per_dimension) if nats < 0.01]
    assert unused
    text = (ROOT / "zoo" / "fashion_beta4" / "README.md").read_text("utf-8")
    assert f"ended unused: {', '.join(unused)}" in text


def test_recorded_figures_are_those_of_the_weights():
    entry = entry_of("fashion_mlp2")
    model = entry.load()
    context = EvaluationContext.of_test(model, model.spec.dataset.build())
    for figure in evaluate(context):
        recorded = entry.metrics.figure(f"test/{figure.name}")
        assert figure.value == pytest.approx(recorded.value, rel=1e-4), figure.name


@pytest.mark.parametrize("name", sorted(UNTRAINED))
def test_an_untrained_spec_builds_and_takes_a_step(name):
    from vaezoo.model import build

    spec = spec_of(name)
    model, images = build(spec), torch.rand(4, *spec.dataset.image_shape)
    terms = spec.loss.build()(model, Batch(images), {"beta": 1.0}, torch.Generator().manual_seed(0))
    terms["objective"].mean().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_entries_stay_small():
    size = sum(f.stat().st_size for name in TRAINED for f in entry_of(name).path.rglob("*"))
    assert size < 24 * 2**20


def test_the_readmes_tables_are_those_of_the_entries():
    text = readme_table.README.read_text("utf-8")
    assert readme_table.rewritten(text) == text, "run python tools/readme_table.py"


def test_the_readme_lists_every_built_in_component():
    text = readme_table.README.read_text("utf-8")
    table = text[text.index("| part | built in |") : text.index("## Write a plugin")]
    named = set(re.findall(r"`([a-z0-9_]+)`", table))
    built_in = {r.component.use for r in discover().components() if r.plugin.name == "vaezoo"}
    assert built_in <= named
