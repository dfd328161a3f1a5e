"""The data of an entry: somewhere else, not there, or changed since training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import vaezoo
from tests.helpers import built_in, spec_data
from vaezoo.diagnostics import DataError, DiagnosticWarning, SpecError, UsageError
from vaezoo.registry import discover
from vaezoo.spec import from_data
from vaezoo.zoo.draw_entry import redraw


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a zoo and the pictures, where a model was trained by a relative path."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "pics").mkdir()
    generator = np.random.default_rng(0)
    for number in range(30):
        pixels = generator.integers(0, 255, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pics" / f"{number:02}.png")
    dataset = {"use": "image_folder", "path": "pics", "height": 8, "channels": 1}
    shown = ["loss_curves", "samples", "reconstructions"]
    data = spec_data(dataset=dataset, metrics=["elbo"], visualizers=shown, train={"epochs": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        vaezoo.run(from_data(data, discover()), zoo=folder / "zoo", device="cpu")
    return folder


@pytest.fixture
def entry(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the entry in an empty working directory."""
    shutil.copytree(trained / "zoo", tmp_path / "zoo")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "zoo" / "small"


@pytest.fixture
def changed(trained: Path, tmp_path: Path) -> Path:
    """The pictures and one more, so that every split differs."""
    folder = tmp_path / "changed"
    shutil.copytree(trained / "pics", folder)
    shutil.copy(folder / "05.png", folder / "000.png")
    return folder


COMMANDS: dict[str, Callable[..., object]] = {
    "evaluate": lambda name, **how: vaezoo.evaluate(name, **how),
    "draw": lambda name, **how: redraw(name, [], Path("out"), **how),
    "report": lambda name, **how: vaezoo.report(name, out="report.html", **how),
}
NAMES = ["evaluate", "draw", pytest.param("report", marks=pytest.mark.slow)]


@pytest.mark.filterwarnings("ignore::UserWarning:matplotlib")
@pytest.mark.parametrize("command", NAMES)
def test_the_data_may_lie_elsewhere(command: str, entry: Path, trained: Path) -> None:
    before = {path: path.read_bytes() for path in entry.rglob("*") if path.is_file()}
    COMMANDS[command](entry, overrides=[f"dataset.path={trained / 'pics'}"])  # warns of nothing
    assert {path: path.read_bytes() for path in entry.rglob("*") if path.is_file()} == before


def test_an_entry_is_verified_by_data_elsewhere(entry: Path, trained: Path) -> None:
    verdict = vaezoo.verify(entry, overrides=[f"dataset.path={trained / 'pics'}"])
    assert verdict.passed
    missing = vaezoo.verify(entry)
    assert not missing.passed
    (check,) = [check for check in missing.checks if check.what == "dataset"]
    assert check.passed is False
    assert "--set dataset.path=FOLDER" in check.detail


def test_figures_of_data_elsewhere_are_recorded_without_the_place(
    entry: Path, trained: Path
) -> None:
    place = str(trained / "pics")
    how: dict[str, Any] = {
        "metrics": ["active_units"],
        "record": True,
        "overrides": [f"dataset.path={place}"],
    }
    vaezoo.evaluate(entry, **how)
    figures = json.loads((entry / "metrics.json").read_text("utf-8"))["figures"]
    assert "active_units" in [figure["name"] for figure in figures]
    assert not [path for path in entry.rglob("*") if path.is_file() and place in _text(path)]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.filterwarnings("ignore::UserWarning:matplotlib")
@pytest.mark.parametrize("command", NAMES)
def test_changed_data_are_reported(command: str, entry: Path, changed: Path) -> None:
    with pytest.warns(DiagnosticWarning, match="VZ612: the data differ from those that trained"):
        COMMANDS[command](entry, overrides=[f"dataset.path={changed}"])


def test_figures_of_changed_data_are_not_recorded(entry: Path, changed: Path) -> None:
    before = (entry / "metrics.json").read_bytes()
    with (
        pytest.warns(DiagnosticWarning, match="VZ612"),
        pytest.raises(DataError, match="VZ612: nothing was recorded"),
    ):
        vaezoo.evaluate(entry, record=True, overrides=[f"dataset.path={changed}"])
    assert (entry / "metrics.json").read_bytes() == before


def test_changed_data_fail_the_check(entry: Path, changed: Path) -> None:
    verdict = vaezoo.verify(entry, overrides=[f"dataset.path={changed}"])
    (check,) = [check for check in verdict.checks if check.what == "dataset"]
    assert not check.passed
    assert not [check for check in verdict.checks if check.what == "test images"]


@pytest.mark.parametrize("use", ["samples", "manifold", "traversals", "loss_curves"])
def test_pictures_without_data_are_drawn(use: str, entry: Path) -> None:
    (path,) = redraw(entry, [use], Path("out"))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("use", ["reconstructions", "latent_scatter", "interpolations"])
def test_what_needs_data_says_so(use: str, entry: Path) -> None:
    with pytest.raises(DataError) as caught:
        redraw(entry, ["samples", use], Path("out"))
    (finding,) = caught.value.diagnostics
    assert f"the picture {use!r} cannot be drawn: it needs the images" in finding.message
    assert f"no such folder: {Path.cwd() / 'pics'}" in finding.message
    assert "add --set dataset.path=FOLDER" in str(finding.hint)
    assert not Path("out").exists()


def test_pictures_that_need_missing_data_are_skipped_with_a_warning(entry: Path) -> None:
    with pytest.warns(DiagnosticWarning, match="'reconstructions' cannot be drawn"):
        drawn = redraw(entry, [], Path("out"))
    assert [path.stem for path in drawn] == ["loss_curves", "samples"]


def test_a_manifold_of_many_latents_needs_images(entry: Path) -> None:
    model = vaezoo.load(entry)
    wide = model.spec.model_copy(
        update={"model": model.spec.model.model_copy(update={"latent": 5})}
    )
    manifold = built_in("visualizer", "manifold")
    facts = vaezoo.registry.DataFacts.without_images(wide.dataset)
    assert "to find the two of 5 latents" in str(manifold.data_problem(wide, facts))
    assert manifold.data_problem(model.spec, facts) is None


@pytest.mark.parametrize(
    ("override", "error", "words"),
    [
        ("model.latent=3", SpecError, "only dataset values"),
        ("dataset=mnist", SpecError, "only dataset values"),
        ("dataset.pth=x", SpecError, "has no parameter 'pth'"),
        ("dataset.path", SpecError, "has no '='"),
        ("dataset.height=9", UsageError, "makes the images 1×9×9, the model takes 1×8×8"),
    ],
)
def test_other_settings_cannot_be_changed(
    entry: Path, override: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        vaezoo.evaluate(entry, overrides=[override])


def test_weights_that_may_know_the_test_images_are_noted(entry: Path, changed: Path) -> None:
    text = (entry / "spec.yaml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text) | {"name": "tuned", "start_from": "small"}
    spec["dataset"]["path"] = str(changed)
    Path("tuned.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    tuned = vaezoo.run("tuned.yaml", zoo="zoo")
    note = "the weights of small that it starts from were trained on other images of image_folder"
    assert any(said.startswith(note) for said in tuned.metrics.notes)
    assert not [check for check in vaezoo.verify(tuned.path).checks if check.passed is False]


@pytest.mark.slow
def test_a_report_without_data_says_so(entry: Path) -> None:
    with pytest.warns(DiagnosticWarning, match="without what needs the images of small: "):
        vaezoo.report(entry, out="report.html")
