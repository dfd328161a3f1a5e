"""An entry can be loaded and sampled without the plugins that only trained or evaluated it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from tests.helpers import built_in, registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo.diagnostics import DiagnosticWarning, PluginError
from vaezoo.evaluation.evaluate_entry import evaluate
from vaezoo.registry import (
    Batch,
    EvaluationContext,
    Loss,
    Optimizer,
    Visualizer,
    new_registry,
)
from vaezoo.runs.run import run
from vaezoo.spec import from_data
from vaezoo.zoo import Entry


class Plain(Loss, use="plain"):
    """The negative ELBO, with a player that is kept."""

    weight: float = 1.0
    keep_players = True

    def players(self) -> Mapping[str, Optimizer]:
        return {"critic": built_in("optimizer", "adam")}

    def build(self) -> Any:
        return PlainModule()


class PlainModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.players = nn.ModuleDict({"critic": nn.Linear(2, 1)})

    def forward(
        self, model: Any, batch: Batch, weights: Mapping[str, float], generator: torch.Generator
    ) -> dict[str, Tensor]:
        trace = model.trace(batch, generator)
        critic = self.players["critic"](trace.sites[0].z.detach())[:, 0] ** 2
        return {
            "objective": trace.reconstruction + trace.kl,
            "reconstruction": trace.reconstruction,
            "kl": trace.kl,
            "player.critic": critic,
        }


class Descent(Optimizer, use="descent"):
    """Gradient descent."""

    lr: float = 1e-3

    def build(self, parameters: Any, lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr)


class Page(Visualizer, use="page"):
    """A web page."""

    def draw(self, context: EvaluationContext) -> vaezoo.EncodedPicture:
        return vaezoo.EncodedPicture(b"<p>a page</p>", "html")


class Movie(Visualizer, use="movie"):
    """An animation, in an unknown format if asked for."""

    format: str = "gif"

    def draw(self, context: EvaluationContext) -> vaezoo.EncodedPicture:
        return vaezoo.EncodedPicture(b"GIF89a", self.format)


ALL = (Blobs, Plain, Descent, Page, Movie)


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    registry = registry_with(*ALL)
    data = spec_data(
        loss={"use": "plain", "weight": 2.0},
        train={"optimizer": {"use": "descent", "lr": 2e-3}},
        visualizers=["page", "movie", {"use": "movie", "format": "avi"}],
    )
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return run(from_data(data, registry), zoo=folder / "zoo", registry=registry)


def test_it_samples_without_the_plugin(entry: Entry) -> None:
    with_plugin = entry.load(registry_with(*ALL))
    said = (
        "small was made with the dataset 'blobs', the loss 'plain', the optimizer 'descent', the "
        "visualizer 'movie', the visualizer 'page', which are not installed: it can be loaded and "
        "sampled, but not evaluated"
    )
    with pytest.warns(DiagnosticWarning) as warned:
        without = entry.load(new_registry())
    (finding,) = [str(one.message) for one in warned]
    assert said in finding
    assert torch.equal(with_plugin.sample(5), without.sample(5))
    assert without.spec.canonical() == with_plugin.spec.canonical()


@pytest.mark.filterwarnings("ignore::vaezoo.diagnostics.DiagnosticWarning")
def test_what_a_stand_in_should_do_names_the_plugin(entry: Entry) -> None:
    spec = entry.load(new_registry()).spec
    uses: tuple[Any, ...] = (spec.dataset.build, spec.loss.build, spec.visualizers[0].draw)
    for use in uses:
        with pytest.raises(PluginError, match="of the plugin tests 1, which is not installed"):
            use(None)


def test_evaluation_needs_the_plugin(entry: Entry) -> None:
    with pytest.raises(PluginError) as caught:
        evaluate(entry.path, registry=new_registry())
    assert caught.value.diagnostics[0].code == "VZ304"


def test_a_part_of_the_model_is_needed(entry: Entry) -> None:
    lock = {**entry.lock, "components": [dict(row) for row in entry.lock["components"]]}
    for row in lock["components"]:
        if row["kind"] == "encoder":
            row["plugin"] = "gone"
    entry.__dict__["lock"] = lock
    try:
        with pytest.raises(PluginError, match="small needs the encoder 'mlp' of the plugin gone"):
            entry.load(registry_with(*ALL))
    finally:
        del entry.__dict__["lock"]


def test_pictures_of_other_formats(entry: Entry) -> None:
    names = [path.name for path in entry.figures]
    assert names == ["movie.gif", "page.html"]
    assert entry.picture(entry.figures[0]) == b"GIF89a"
    card = (entry.path / "README.md").read_text(encoding="utf-8")
    assert "![movie](figures/movie.gif)" in card
    assert "\n[page](figures/page.html)" in card
    assert (
        "the picture movie-2 was not drawn: ValueError: the format is 'avi', expected png, gif, "
        "webp, svg, html" in entry.metrics.notes
    )
