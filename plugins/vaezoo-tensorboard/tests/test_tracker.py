"""The log of a real run, as TensorBoard's reader sees it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from vaezoo_tensorboard.log import Log, scalar

import vaezoo
from vaezoo.registry import Plugin, discover, hookimpl
from vaezoo.testing import PluginConformance, small_spec

SPEC = Path(__file__).parents[1] / "specs" / "mnist_tracked.yaml"
SMALLER = (
    "train.epochs=3",
    "model.encoder.hidden=[8]",
    "model.decoder.hidden=[8]",
    "metrics=[{use: elbo, samples: 1}]",
)


class TestPlugin(PluginConformance):
    plugin = "vaezoo-tensorboard"


class StopAfter:
    """Raise KeyboardInterrupt once after ``epochs`` epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    @hookimpl
    def vaezoo_epoch_finished(self, record: vaezoo.EpochRecord) -> None:
        if record.epoch == self.epochs:
            self.epochs = 0
            raise KeyboardInterrupt


def read(folder: Path) -> EventAccumulator:
    """The only log in a folder, read by TensorBoard."""
    [log] = folder.iterdir()
    everything = {"scalars": 0, "images": 0, "tensors": 0}
    return EventAccumulator(str(log), size_guidance=everything).Reload()


def curve(log: EventAccumulator, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in log.Scalars(tag)}


def page(log: EventAccumulator, tag: str) -> str:
    [event] = log.Tensors(tag)
    return make_ndarray(event.tensor_proto).item().decode()


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The entry of a short run of the spec on MNIST, and the folder of logs."""
    folder = tmp_path_factory.mktemp("tracked")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("VAEZOO_TENSORBOARD", raising=False)
        entry = vaezoo.run(SPEC, overrides=SMALLER, zoo=folder / "zoo", device="cpu")
    return entry, folder / "tensorboard"


def test_every_term_of_every_epoch_is_a_scalar(tracked: tuple[Any, Path]) -> None:
    entry, logs = tracked
    log = read(logs)
    for split in ("train", "validation"):
        for term in ("objective", "reconstruction", "kl", "elbo"):
            recorded = {r.epoch: getattr(r, split)[term] for r in entry.history}
            assert curve(log, f"{term}/{split}") == pytest.approx(recorded, rel=1e-6)
    recorded = {r.epoch: r.weights["beta"] for r in entry.history}
    assert curve(log, "weights/beta") == pytest.approx(recorded)
    assert recorded[3] == 1.0
    rates = curve(log, "training/learning_rate")
    assert rates == pytest.approx({1: 1e-3, 2: 1e-3, 3: 1e-3})
    assert min(curve(log, "training/images_per_second").values()) > 0


def test_figures_of_the_entry_are_at_its_last_epoch(tracked: tuple[Any, Path]) -> None:
    entry, logs = tracked
    log = read(logs)
    elbo = entry.metrics.figure("test/elbo")
    assert curve(log, "test/elbo") == pytest.approx({3: elbo.value})
    assert f"| test/elbo | {elbo.value:.6g} ± {elbo.standard_error:.2g} |" in page(log, "figures")


def test_the_spec_and_the_lock_are_text(tracked: tuple[Any, Path]) -> None:
    entry, logs = tracked
    log = read(logs)
    spec = page(log, "spec")
    assert spec.startswith("```yaml\n")
    again = vaezoo.read(_written(logs.parent / "again.yaml", spec))
    assert again.canonical() == entry.spec_data
    assert '"torch"' in page(log, "lock")


def _written(path: Path, listing: str) -> Path:
    path.write_text("\n".join(listing.splitlines()[1:-1]), "utf-8")
    return path


def test_pictures_are_images(tracked: tuple[Any, Path]) -> None:
    entry, logs = tracked
    log = read(logs)
    for tag, rows in (("images/reconstructions", 2), ("images/samples", 5)):
        events = log.Images(tag)
        assert [event.step for event in events] == [1, 2, 3]
        sizes = {Image.open(io.BytesIO(e.encoded_image_string)).size for e in events}
        assert sizes == {(10 * 58 + 2, rows * 58 + 2)} == {(events[0].width, events[0].height)}
        assert len({event.encoded_image_string for event in events}) == 3  # the model learns
    for path in entry.figures:
        [event] = log.Images(f"entry/{path.stem}")
        assert event.encoded_image_string == path.read_bytes()
    assert {path.stem for path in entry.figures} == {"samples", "loss_curves"}


def test_a_resumed_run_appends_to_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAEZOO_TENSORBOARD", "elsewhere")
    registry = discover(["vaezoo.testing.conformance.tiny_models"])  # the dataset of ``small_spec``
    registry.add(Plugin("stop-after", "1", __file__), StopAfter(2))
    spec = small_spec(epochs=3, registry=registry, metrics=["elbo"])
    with pytest.raises(vaezoo.VaezooError, match="interrupted"):
        vaezoo.run(spec, zoo="zoo", device="cpu", registry=registry)
    stopped = read(tmp_path / "elsewhere")
    assert page(stopped, "ended early") == "KeyboardInterrupt"
    assert 1 in curve(stopped, "elbo/train")
    entry = vaezoo.run(spec, zoo="zoo", device="cpu", registry=registry)
    log = read(tmp_path / "elsewhere")
    found, history = curve(log, "elbo/train"), {r.epoch: r.train["elbo"] for r in entry.history}
    assert found == pytest.approx({epoch: history[epoch] for epoch in found})
    # plugins are called in no fixed order: the second epoch may be missing
    assert {1, 3} <= found.keys() <= {1, 2, 3}
    assert "test/elbo" in log.Tags()["scalars"]


def test_epochs_trained_again_appear_once(tmp_path: Path) -> None:
    """A killed run resumes from its last checkpoint, which may be several epochs old."""
    log = Log(tmp_path / "run")
    log.begin()
    for epoch in range(1, 6):
        log.write(epoch, [scalar("elbo/train", -200.0)])
    log.resume(2)
    for epoch in (3, 4):
        log.write(epoch, [scalar("elbo/train", -100.0)])
    assert curve(read(tmp_path), "elbo/train") == {1: -200.0, 2: -200.0, 3: -100.0, 4: -100.0}


def test_a_new_run_of_the_same_spec_replaces_the_old_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    for value in (1.0, 2.0):
        log.begin()
        log.write(1, [scalar("elbo/train", value)])
    assert len(list(log.folder.iterdir())) == 1
    assert curve(read(tmp_path), "elbo/train") == {1: 2.0}


def test_a_deleted_log_is_created_again(tmp_path: Path) -> None:
    log = Log(tmp_path / "run")
    log.begin()
    [file] = log.folder.iterdir()
    file.unlink()
    log.write(4, [scalar("elbo/train", 3.0)])
    assert curve(read(tmp_path), "elbo/train") == {4: 3.0}
