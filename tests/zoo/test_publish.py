"""An entry appears whole or not at all, and what it replaces is kept."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.system.file_lock import locked
from vaezoo.zoo import Entry, atomic_replace, find, write_lock
from vaezoo.zoo.predecessors import predecessors
from vaezoo.zoo.publish import writable
from vaezoo.zoo.restore import prunable, prune, restore
from vaezoo.zoo.zoo_folders import STAGING, new_staged

ZOO = Path("zoo")


def weights_of(entry: Entry) -> torch.Tensor:
    return entry.load().state_dict()["encoder.mean.weight"]


def hidden(folder: str) -> list[str]:
    return sorted(path.name for path in (ZOO / folder).glob("*"))


def test_entry_gives_back_what_was_published(publisher: Any) -> None:
    entry = publisher(seed=3)
    assert entry == Entry(ZOO / "tiny", "tiny")
    assert entry.spec_data == publisher.spec().canonical()
    assert entry.metrics.figures[0].standard_error == 0.25
    assert entry.metrics.figure("test/kl").per_dimension == (25.0, 0)
    assert entry.metrics.targets[0]["verdict"] == "reproduced"
    assert [record.epoch for record in entry.history] == [1, 2]
    assert [path.name for path in entry.figures] == ["parts-latents.png", "samples.png"]
    assert torch.equal(
        weights_of(entry), publisher.model(publisher.spec(), 3).state_dict()["encoder.mean.weight"]
    )
    assert not entry.load().training
    assert hidden(".staging") == []


def test_half_precision_weights_have_the_published_figures(publisher: Any) -> None:
    from vaezoo.system import safetensors_io
    from vaezoo.zoo.publish import publish, round_weights

    spec = publisher.spec(publish={"weights": "float16"})
    lock = publisher(zoo="whole").lock
    model = publisher.model(spec, seed=3)
    exact = model.state_dict()["encoder.mean.weight"].clone()
    round_weights(model)
    entry = publish(spec, model, lock=lock, figures=())
    stored, _ = safetensors_io.load(entry.weights_path)
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    loaded = entry.load().state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded[name], tensor), "the published weights are those of the figures"
        assert loaded[name].dtype == torch.float32
    assert not torch.equal(weights_of(entry), exact)
    assert weights_of(entry) == pytest.approx(exact, rel=2**-10, abs=1e-7)
    assert entry.spec_data["publish"] == {"weights": "float16"}


def test_the_default_weight_format_is_not_in_the_spec(publisher: Any) -> None:
    assert "publish" not in publisher.spec().canonical()
    assert "publish" not in publisher.spec(publish={"weights": "float32"}).canonical()


def test_readable_spec_reads_back_as_the_same_spec(publisher: Any) -> None:
    from vaezoo.spec import read

    entry = publisher()
    again = read(entry.path / "spec.yaml", registry=publisher.registry)
    assert again.canonical() == entry.spec_data


def test_same_inputs_give_the_same_bytes(publisher: Any) -> None:
    first = publisher(zoo="one").weights_path.read_bytes()
    assert publisher(zoo="two").weights_path.read_bytes() == first


def test_figures_that_are_not_finite_survive(publisher: Any) -> None:
    nan = dataclasses.replace(publisher().metrics.figures[0], value=math.nan)
    entry = publisher(figures=[nan])
    json.loads((entry.path / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert math.isnan(entry.metrics.figures[0].value)


def test_replaced_entries_are_kept_and_restored(publisher: Any) -> None:
    old, new = (weights_of(publisher(seed=seed)) for seed in (1, 2))
    assert torch.equal(weights_of(find("tiny")), new)
    assert len(predecessors(ZOO)) == 1
    assert torch.equal(weights_of(restore("tiny")), old)
    assert torch.equal(weights_of(restore("tiny")), new)
    assert len(predecessors(ZOO)) == 1


def test_a_staged_folder_is_named_as_the_zoo_is(publisher: Any, tmp_path: Path) -> None:
    """So that each can be told relative to the other."""
    for zoo in (ZOO, tmp_path / "zoo"):
        (zoo / STAGING).mkdir(parents=True, exist_ok=True)
        assert new_staged(zoo, "tiny-").parent == zoo / STAGING


def test_predecessors_of_one_second_have_their_order(publisher: Any) -> None:
    for seed in range(12):
        publisher(seed=seed)
    newest = predecessors(ZOO)[0]
    assert torch.equal(
        weights_of(Entry(newest.path, "tiny")),
        publisher.model(publisher.spec(), 10).state_dict()["encoder.mean.weight"],
    )


def test_a_deleted_entry_can_be_restored(publisher: Any) -> None:
    publisher(seed=1)
    old = weights_of(publisher(seed=2))
    publisher(seed=3)
    shutil.rmtree(ZOO / "tiny")
    assert torch.equal(weights_of(restore("tiny")), old)


def test_prune_takes_one_name_or_all(publisher: Any) -> None:
    for name in ("tiny", "tiny-20200101-000000", "other"):
        publisher(name=name)
        publisher(name=name)
    assert [one.name for one in prunable("tiny")] == ["tiny"]
    prune(prunable("tiny"))
    assert sorted(one.name for one in prunable()) == ["other", "tiny-20200101-000000"]
    prune(prunable())
    assert prunable() == []
    assert find("tiny").load()


def test_restore_without_predecessor_suggests_one(publisher: Any) -> None:
    publisher()
    publisher()
    with pytest.raises(UsageError, match=r"VZ501(.|\n)*did you mean 'tiny'"):
        restore("tinny")


def fail_at(nth: int, error: type[BaseException], real: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(1, 1000))

    def failing(*arguments: Any, **options: Any) -> Any:
        if next(calls) == nth:
            raise error(28, "No space left on device")
        return real(*arguments, **options)

    return failing


@pytest.mark.slow
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("has_exchange", [True, False])
@pytest.mark.parametrize("function", ["rename", "fsync", "replace"])
@pytest.mark.parametrize("nth", [1, 2, 3, 7])
def test_failure_at_any_step_leaves_a_whole_entry(
    publisher: Any,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    nth: int,
    has_exchange: bool,
    error: type[BaseException],
) -> None:
    old = weights_of(publisher(seed=1))
    new = publisher.model(publisher.spec(), 2).state_dict()["encoder.mean.weight"]
    if not has_exchange:
        monkeypatch.setattr(atomic_replace, "exchange", lambda one, other: False)
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail_at(nth, error, getattr(os, function)))
        try:
            publisher(seed=2)
            failed = False
        except (ZooError, KeyboardInterrupt):
            failed = True
    present = weights_of(find("tiny"))
    assert torch.equal(present, old if failed else new)
    assert len(predecessors(ZOO)) == (0 if failed else 1)
    assert hidden(".staging") == []


def test_zoo_that_cannot_be_written_is_one_clear_error(publisher: Any) -> None:
    Path("file").write_text("not a folder")
    for zoo in ("file", "file/below"):
        with pytest.raises(ZooError, match=r"VZ503: cannot write file(.|\n)*--zoo"):
            writable(zoo)
        with pytest.raises(ZooError, match="VZ503: cannot write file"):
            publisher(zoo=zoo)


def test_writable_makes_the_folder_and_looks_at_the_disk(
    registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert writable("new/zoo").is_dir()
    assert list(Path("new/zoo").iterdir()) == []
    full = shutil.disk_usage(".")._replace(free=5 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(ZooError, match=r"VZ503: .* 5\.0 MB free"):
        writable("new/zoo")


def test_second_publisher_waits_for_the_first(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher()
    monkeypatch.setattr(write_lock, "_LOCK_TIMEOUT", 0.1)
    with (
        locked(ZOO / ".lock"),
        pytest.raises(ZooError, match=r"cannot write zoo/.lock: another process holds it"),
    ):
        publisher()
    assert publisher().load()


def test_environment_names_the_zoo(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_ZOO", "elsewhere")
    assert publisher().path == Path("elsewhere/tiny")
    assert find("tiny").path == Path("elsewhere/tiny")
