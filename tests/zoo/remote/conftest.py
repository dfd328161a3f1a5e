"""Storage for remote zoos: every kind that can run on this machine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.zoo.remote.servers import WebServer, s3_server, web_server
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.remote.address import zoo_address
from vaezoo.zoo.remote.upload_entry import planned_upload, upload

KINDS = ("file", "memory", "http", "s3")
_S3 = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Storage:
    """A remote zoo: where it is written, and the address at which others read it."""

    written: str
    read: str

    def push(self, entry: Entry, license_: str = "mit") -> str:
        """Upload without verifying; the revision."""
        plan = planned_upload(entry, zoo_address(self.written), license_)
        upload(plan)
        return plan.row.revision


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and config folder for the test, and no pauses between attempts."""
    monkeypatch.setenv("VAEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VAEZOO_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr("vaezoo.zoo.remote.fetch_entry._PAUSES", (0.0, 0.0, 0.0))
    return tmp_path / "cache"


def use_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As another user, who has downloaded nothing yet."""
    monkeypatch.setenv("VAEZOO_CACHE", str(folder))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    (tmp_path / "www").mkdir()
    with web_server(tmp_path / "www") as running:
        yield running


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a running S3 server. Skips without moto."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("moto is not installed")
    before = {name: os.environ.get(name) for name in (*_S3, "AWS_ENDPOINT_URL")}
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as endpoint:
        os.environ.update(_S3, AWS_ENDPOINT_URL=endpoint)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("bucket")
        yield "s3://bucket"
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture(params=[*KINDS[:-1], pytest.param("s3", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A new remote zoo of each kind."""
    if request.param == "s3":
        address = f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
        return Storage(address, address)
    if request.param == "http":
        server = request.getfixturevalue("server")
        return Storage(f"file://{server.folder}/zoo", f"{server.address}/zoo")
    address = (
        f"file://{tmp_path}/shared" if request.param == "file" else f"memory://{tmp_path.name}"
    )
    return Storage(address, address)


@pytest.fixture
def web_zoo(server: WebServer) -> Storage:
    """A zoo on the web server."""
    return Storage(f"file://{server.folder}/zoo", f"{server.address}/zoo")
