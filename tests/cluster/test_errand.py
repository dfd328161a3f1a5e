"""What a worker makes of an errand, wherever it is."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.helpers import small_spec
from tests.road.blobs_plugin import __file__ as PLUGIN
from vaezoo.cluster.errand import MARK, Errand, Surroundings, news_of, perform
from vaezoo.cluster.news import read_news
from vaezoo.cluster.teller import Teller
from vaezoo.zoo import Entry


@pytest.fixture
def errand(tmp_path: Path) -> Errand:
    """A member's run in an empty folder."""
    sweep = tmp_path / "runs" / "small-sweep"
    sweep.mkdir(parents=True)
    (sweep / MARK).write_text("mine")
    around = Surroundings(
        folder=str(tmp_path),
        sweep="runs/small-sweep",
        mark="mine",
        zoo="zoo",
        plugins=(PLUGIN,),
        disabled=(),
        environment={"VAEZOO_CACHE": str(tmp_path / "cache")},
    )
    return Errand(small_spec().canonical(), "cpu", 1, "auto", around)


def test_it_trains_where_the_command_was_given_and_tells_how_it_goes(
    errand: Errand, tmp_path: Path
) -> None:
    before = Path.cwd(), dict(os.environ)
    ending = perform(errand)
    assert ending.errors == ()
    assert (Path.cwd(), dict(os.environ)) == before
    assert Entry(tmp_path / "zoo" / "small", "small").metrics.figure("test/elbo")
    assert (tmp_path / "runs" / "small-sweep" / "small.finished").exists()
    news = read_news(news_of(tmp_path / "runs" / "small-sweep", "small"))
    assert news
    assert (news.epochs_done, news.epochs, news.threads, news.device) == (3, 3, 1, "cpu")
    assert news.images == 72
    assert news.road.startswith("steps not compiled: ")
    assert news.part_done == 1.0
    assert news.doing == "taking test figures"
    assert set(news.last) >= {"objective", "reconstruction", "kl"}


def test_another_vaezoo_is_refused(errand: Errand) -> None:
    around = dataclasses.replace(errand.around, version="9.9.9")
    (told,) = perform(dataclasses.replace(errand, around=around)).errors
    assert told.code == "VZ610"
    assert "the command has 9.9.9" in told.message
    assert "vaezoo[ray]==9.9.9" in str(told.hint)


@pytest.mark.parametrize("change", [{"folder": "/nowhere"}, {"mark": "another's"}])
def test_another_folder_is_refused(errand: Errand, change: dict[str, str]) -> None:
    around = dataclasses.replace(errand.around, **change)
    (told,) = perform(dataclasses.replace(errand, around=around)).errors
    assert told.code == "VZ610"
    assert f"does not see the folder {around.folder}" in told.message
    assert "all machines of the cluster" in str(told.hint)


def test_a_plugin_that_the_worker_lacks_is_told(errand: Errand) -> None:
    around = dataclasses.replace(errand.around, plugins=())
    (told,) = perform(dataclasses.replace(errand, around=around)).errors
    assert told.code == "VZ301"
    assert "blobs" in told.message


def test_news_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert read_news(tmp_path / "none") is None
    for text in ("", "[]", '{"unknown": 1, "warnings": []}', '{"doing": "training"}'):
        (tmp_path / "half").write_text(text)
        assert read_news(tmp_path / "half") is None


def test_a_run_goes_on_where_its_news_cannot_be_written(tmp_path: Path) -> None:
    teller = Teller(tmp_path / "no such folder" / "small.news")
    teller.drawing("samples")
    teller.warned("a word")
    assert not list(tmp_path.iterdir())
