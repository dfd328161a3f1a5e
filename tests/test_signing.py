"""``vaezoo zoo sign`` and ``verify --key``: who vouches for an entry."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import vaezoo
from tests.forging import rewrite_figures
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.evaluation.verify import Check
from vaezoo.zoo import Entry, find
from vaezoo.zoo.signing import SIGNATURE, check_signature, sign

minisign = pytest.importorskip("minisign")
NAME = "mnist_mlp20"


@pytest.fixture
def zoo(tmp_path: Path, current: Path) -> Path:
    shutil.copytree(current / NAME, tmp_path / "zoo" / NAME)
    return tmp_path / "zoo"


def keys(folder: Path, name: str, password: str | None = None) -> tuple[Path, Path]:
    """A secret and a public key, as minisign writes them."""
    pair = minisign.KeyPair.generate()
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    public.write_bytes(bytes(pair.public_key))
    if password:
        pair.secret_key.encrypt(password, opslimit=32768, memlimit=2**20)
    secret.write_bytes(bytes(pair.secret_key))
    return secret, public


def signature(zoo: Path, key: Path | None) -> Check | None:
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1, key=key)
    return next((check for check in verdict.checks if check.what == SIGNATURE), None)


@pytest.mark.slow
def test_a_signed_entry_passes_by_the_key_of_who_signed(zoo: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path, "mine")
    other = keys(tmp_path, "other")[1]
    assert signature(zoo, None) is None
    assert getattr(signature(zoo, public), "passed", None) is False, "it is not signed yet"
    assert sign(NAME, secret, zoo=zoo) == zoo / NAME / SIGNATURE
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1, key=public)
    assert verdict.passed
    assert getattr(signature(zoo, other), "passed", None) is False
    unasked = signature(zoo, None)
    assert unasked is not None
    assert unasked.passed is None


def test_a_changed_and_resealed_entry_fails_its_signature(zoo: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path, "mine")
    sign(NAME, secret, zoo=zoo)
    rewrite_figures(zoo / NAME, elbo=-105.589)
    with pytest.raises(ZooError, match="not signed with the key"):
        check_signature(find(NAME, zoo=zoo), public)


def test_a_signature_of_another_entry_is_refused(zoo: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path, "mine")
    sign(NAME, secret, zoo=zoo)
    with pytest.raises(ZooError, match="it belongs to another entry"):
        check_signature(Entry(zoo / NAME, "mnist_mlp2"), public)


def test_a_changed_entry_is_not_signed(zoo: Path, tmp_path: Path) -> None:
    secret, _ = keys(tmp_path, "mine")
    (zoo / NAME / "README.md").write_text("better")
    with pytest.raises(ZooError, match=r"README\.md was changed after publishing"):
        sign(NAME, secret, zoo=zoo)
    assert not (zoo / NAME / SIGNATURE).exists()


def test_recording_figures_removes_the_signature(zoo: Path, tmp_path: Path) -> None:
    sign(NAME, keys(tmp_path, "mine")[0], zoo=zoo)
    vaezoo.evaluate(NAME, zoo=zoo, metrics=["entropy_floor"], record=True)
    assert not (zoo / NAME / SIGNATURE).exists()


def test_an_encrypted_key_asks_for_its_password(zoo: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path, "mine", password="a long one")
    with pytest.raises(UsageError, match="cannot use the key"):
        sign(NAME, secret, password=lambda: "a wrong one", zoo=zoo)

    def given(**options: Any) -> Any:
        arguments = ["zoo", "sign", NAME, "--key", str(secret), "--zoo", str(zoo)]
        return CliRunner().invoke(cli, arguments, standalone_mode=False, **options)

    assert f"signed: {zoo / NAME / SIGNATURE}" in given(input="a long one\n").stdout
    assert given(env={"VAEZOO_MINISIGN_PASSWORD": "a long one"}).exception is None
    check_signature(find(NAME, zoo=zoo), public)


@pytest.mark.parametrize("content", [b"", b"no key\n", b"\xff" * 100, b"a" * 20_000])
def test_what_is_not_a_key_is_refused(zoo: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    for use in (lambda: sign(NAME, path, zoo=zoo), lambda: signature(zoo, path)):
        with pytest.raises(UsageError, match="VZ504"):
            use()
