"""Loading: a weights file stands alone, damage and missing plugins are said plainly."""

from __future__ import annotations

import json
import shutil
from types import ModuleType
from typing import Any

import pytest
import torch

import vaezoo
from tests.zoo.parts import PARTS, FlatDecoder, registry_of
from vaezoo.diagnostics import PluginError, RunError, ZooError
from vaezoo.registry import Plugin
from vaezoo.system import safetensors_io
from vaezoo.zoo import Entry, find, make_lock
from vaezoo.zoo.header import sealed
from vaezoo.zoo.lock import require_plugins


def rewritten(entry: Entry, **texts: str) -> Entry:
    tensors, header = safetensors_io.load(entry.weights_path)
    safetensors_io.save(entry.weights_path, tensors, sealed({**header, **texts}))
    return Entry(entry.path, entry.name)


def test_weights_file_stands_alone(publisher: Any) -> None:
    entry = publisher()
    shutil.copy(entry.weights_path, "renamed.safetensors")
    alone = find("renamed.safetensors")
    assert alone.name == "tiny"
    assert (alone.metrics.figures, alone.history, alone.figures) == ((), (), ())
    assert alone.spec_data == entry.spec_data
    assert torch.equal(alone.load().sample(3), vaezoo.load("tiny").sample(3))


def test_only_requested_files_are_read(publisher: Any) -> None:
    entry = publisher()
    for name in ("metrics.json", "history.jsonl", "README.md", "spec.yaml"):
        (entry.path / name).write_text("garbage")
    fresh = Entry(entry.path, "tiny")
    assert fresh.load()
    for attribute in ("metrics", "history"):
        with pytest.raises(ZooError, match=r"VZ502: .* is damaged"):
            getattr(fresh, attribute)


def test_missing_file_is_named(publisher: Any) -> None:
    entry = publisher()
    (entry.path / "metrics.json").unlink()
    with pytest.raises(ZooError, match=r"metrics.json is missing(.|\n)*help:"):
        _ = Entry(entry.path, "tiny").metrics
    entry.weights_path.unlink()
    with pytest.raises(ZooError, match=r"model.safetensors is missing"):
        Entry(entry.path, "tiny").load()


def test_tampered_weights_are_refused(publisher: Any) -> None:
    entry = publisher()
    data = bytearray(entry.weights_path.read_bytes())
    data[-1] ^= 1
    entry.weights_path.write_bytes(bytes(data))
    with pytest.raises(ZooError, match=r"VZ502: .*changed after publishing"):
        Entry(entry.path, "tiny").load()


@pytest.mark.parametrize("change", [{"latent": 3}, {"decoder": {"use": "flat", "bias": False}}])
def test_weights_that_do_not_fit_their_spec_are_refused(publisher: Any, change: Any) -> None:
    entry = publisher()
    spec = json.dumps({**entry.spec_data, "model": {**entry.spec_data["model"], **change}})
    with pytest.raises(ZooError, match=r"do not fit their spec(.|\n)*help: install the versions"):
        rewritten(entry, spec=spec).load()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"format": "vaezoo 3"}, "its header does not have the format 'vaezoo 2' or 'vaezoo 1'"),
        ({"spec": "{"}, "the spec in .* cannot be used: Expecting"),
        ({"spec": "{}"}, "the spec in .* cannot be used: dataset is missing"),
        ({"lock": "[]"}, "the lock in .* cannot be used: it is a list, not an object"),
        ({"lock": '{"components": [{}]}'}, "the lock in .* cannot be used: dataset is missing"),
    ],
)
def test_foreign_header_is_refused(publisher: Any, texts: Any, message: str) -> None:
    with pytest.raises(ZooError, match=f"VZ502: .*{message}"):
        rewritten(publisher(), **texts).load()


def test_spec_that_cannot_be_used_is_refused(publisher: Any) -> None:
    entry = publisher()
    spec = json.dumps({**entry.spec_data, "extra": 1})
    with pytest.raises(ZooError, match=r"VZ502: the spec in .* cannot be used(.|\n)*install"):
        rewritten(entry, spec=spec).load()


def test_incomplete_component_in_the_lock_is_refused(publisher: Any) -> None:
    entry = publisher()
    lock = json.dumps({**entry.lock, "components": [{"kind": "encoder"}]})
    with pytest.raises(ZooError, match=r"VZ502: .*components\[0\].distribution is missing"):
        rewritten(entry, lock=lock).load()


def test_device_that_is_not_there(publisher: Any) -> None:
    entry = publisher()
    for device in ("cuda:99", "abacus"):
        with pytest.raises(RunError, match=r"VZ602: no device(.|\n)*cpu"):
            entry.load(device=device)


def test_lock_names_versions_files_and_settings(publisher: Any) -> None:
    lock = publisher().lock
    assert lock["dataset"] == {"use": "dots", "digest": "d0", "shape": [1, 4, 4]}
    assert (lock["seed"], lock["precision"], lock["device"]["type"]) == (0, "float32", "cpu")
    kinds = [component["kind"] for component in lock["components"]]
    assert kinds[:5] == ["dataset", "encoder", "posterior", "topology", "decoder"]
    encoder = lock["components"][1]
    assert (encoder["plugin"], encoder["version"]) == ("parts", "1.2")
    assert encoder["file"] == "tests/zoo/parts.py"
    assert len(encoder["sha256"]) == 64


def test_component_of_no_plugin_cannot_be_locked(publisher: Any) -> None:
    without = registry_of(*(part for part in PARTS if part is not FlatDecoder))
    with pytest.raises(PluginError, match="VZ301: the decoder 'flat' comes from no plugin"):
        make_lock(publisher.spec(), without, device="cpu", precision="float32", dataset_digest="d0")


def test_missing_plugin_says_what_to_install(publisher: Any) -> None:
    lock = publisher().lock
    empty = registry_of(name="other")
    with pytest.raises(
        PluginError, match=r"VZ304: tiny needs .* parts 1.2, which is not installed"
    ):
        require_plugins(lock, empty, "tiny")
    for component in lock["components"]:
        component["distribution"] = "vaezoo-parts"
    with pytest.raises(PluginError, match=r"pip install 'vaezoo-parts==1.2'") as caught:
        require_plugins(lock, empty, "tiny")
    assert len(caught.value.diagnostics) == 1
    for component in lock["components"]:
        component.update(distribution=None, version="file", file="parts.py")
    with pytest.raises(PluginError, match=r"vaezoo --plugin parts.py"):
        require_plugins(lock, empty, "tiny")


def test_an_installed_plugin_without_the_component(publisher: Any) -> None:
    lock = publisher().lock
    newer = registry_of(*(p for p in PARTS if p is not FlatDecoder), version="2.0")
    with pytest.raises(PluginError, match=r"decoder 'flat' .* but parts 2.0 does not have it"):
        require_plugins(lock, newer, "tiny")
    broken = registry_of(name="other")
    broken.add(Plugin("parts", "1.2", "here"), ModuleType("parts"))
    with pytest.raises(PluginError, match="cannot be loaded: TypeError: it implements no hook"):
        require_plugins(lock, broken, "tiny")
