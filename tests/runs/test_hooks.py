"""What a tracker gets from the run hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vaezoo
from tests.helpers import registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo.registry import Plugin, Registry, hookimpl
from vaezoo.spec import from_data


class Tracker:
    """Records its calls; stops the run once, after ``stop_after`` epochs."""

    def __init__(self, stop_after: int) -> None:
        self.stop_after = stop_after
        self.began_at: list[int] = []
        self.pictures: list[Any] = []
        self.entry: Any = None

    @hookimpl
    def vaezoo_run_started(self, run):
        self.began_at.append(run.epochs_done)

    @hookimpl
    def vaezoo_epoch_finished(self, run, record):
        self.pictures.append(run.model.reconstruct(run.data.test.images[:3]))
        if record.epoch == self.stop_after:
            self.stop_after = 0
            raise KeyboardInterrupt

    @hookimpl
    def vaezoo_run_finished(self, run, entry):
        self.entry = entry


def registry_of(tracker: Tracker) -> Registry:
    registry = registry_with(Blobs)
    registry.add(Plugin("tracker", "1", __file__), tracker)
    return registry


def test_a_tracker_gets_data_model_resumption_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = Tracker(stop_after=2)
    registry = registry_of(tracker)
    spec = from_data(spec_data(visualizers=["samples"]), registry)
    with pytest.raises(vaezoo.VaezooError, match="interrupted"):
        vaezoo.run(spec, device="cpu", registry=registry)
    vaezoo.run(spec, device="cpu", registry=registry)
    assert tracker.began_at == [0, 2]
    assert [tuple(pictures.shape) for pictures in tracker.pictures] == [(3, 1, 6, 6)] * 3
    assert tracker.entry.metrics.figure("test/elbo").value < 0
    assert [path.name for path in tracker.entry.figures] == ["samples.png"]
