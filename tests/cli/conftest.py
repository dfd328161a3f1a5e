from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.shell import Shell


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Commands in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with one entry, ``plain``: an untrained model of Fashion-MNIST's shape.

    It needs no plugin but the built-in one.
    """
    from tests.helpers import registry_with, spec_data
    from vaezoo.model import build
    from vaezoo.spec import from_data
    from vaezoo.zoo import make_lock
    from vaezoo.zoo.publish import publish

    registry = registry_with()
    data = spec_data(name="plain", dataset="fashion_mnist", visualizers=["samples"])
    spec = from_data(data, registry)
    folder = tmp_path_factory.mktemp("zoo")
    lock = make_lock(spec, registry, device="cpu", precision="float32", dataset_digest="0" * 64)
    publish(spec, build(spec), lock=lock, figures=[], zoo=folder)
    return folder
