"""A push is complete or absent, loses no other push, and verifies first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.zoo.parts import Publisher
from tests.zoo.remote.conftest import Storage, use_cache
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.evaluation.push import push
from vaezoo.zoo import find
from vaezoo.zoo.remote import local_files
from vaezoo.zoo.remote.address import zoo_address
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.reader_lines import in_tex
from vaezoo.zoo.remote.remote_files import open_files
from vaezoo.zoo.remote.search_entries import remote_entries
from vaezoo.zoo.remote.upload_entry import planned_upload, upload
from vaezoo.zoo.remote.zoo_index import LARGEST_INDEX, read_index


class Killed(BaseException):
    """The process ends here."""


def dying(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """A function that ends the process after some calls, in the middle of one."""

    def call(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            target = arguments[1] if isinstance(arguments[1], Path) else arguments[0]
            target.with_name(f".{target.name}.0123456789abcdef.partial").write_bytes(b"ha")
            raise Killed
        return real(*arguments)

    return call


@pytest.fixture
def shared(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path}/shared", f"file://{tmp_path}/shared")


def test_a_killed_push_leaves_the_old_or_the_new_entry(
    shared: Storage, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = shared.push(publisher())
    new = planned_upload(publisher(seed=3), zoo_address(shared.written), "mit").row.revision
    seen = []
    for calls in range(100):
        left = [calls]
        (tmp_path / "shared" / "tiny" / f"{new}.json").unlink(missing_ok=True)  # upload all again
        with monkeypatch.context() as patch:
            for name in ("_copy", "write_whole"):
                patch.setattr(local_files, name, dying(getattr(local_files, name), left))
            try:
                shared.push(find("tiny"))
            except Killed:
                pass
            else:
                break
        use_cache(monkeypatch, tmp_path / f"cache-{calls}")
        seen.append(pull(f"{shared.read}/tiny", registry=publisher.registry).revision)
    assert calls >= 10
    assert sorted(set(seen), key=seen.index) == [old, new]
    use_cache(monkeypatch, tmp_path / "last")
    assert pull(f"{shared.read}/tiny", registry=publisher.registry).revision == new
    assert pull(f"{shared.read}/tiny@{old}", registry=publisher.registry).revision == old


def test_pushes_at_the_same_time_are_all_kept(shared: Storage, publisher: Publisher) -> None:
    names = [f"model-{letter}" for letter in "abcdef"]
    plans = [
        planned_upload(publisher(name=name), zoo_address(shared.written), "mit") for name in names
    ]
    start = threading.Barrier(len(plans))
    failures = []

    def run(plan: Any) -> None:
        start.wait()
        try:
            upload(plan)
        except ZooError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    listed = remote_entries(shared.read) or []
    assert [one.reference.rpartition("/")[2] for one in listed] == names


def test_another_push_of_the_same_name_is_not_overwritten(
    storage: Storage, publisher: Publisher
) -> None:
    storage.push(publisher())
    plan = planned_upload(publisher(seed=1, zoo="mine"), zoo_address(storage.written), "mit")
    other = storage.push(publisher(seed=2, zoo="yours"))
    with pytest.raises(ZooError, match="VZ509: another push replaced tiny"):
        upload(plan)
    assert (remote_entries(storage.read) or [])[0].revision == other


def test_a_push_of_the_same_revision_writes_no_file_again(
    shared: Storage, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = publisher()
    first = shared.push(entry)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a file was copied")

    monkeypatch.setattr(local_files, "_copy", refuse)
    assert shared.push(entry) == first


def test_a_name_that_looks_like_another_is_refused(shared: Storage, publisher: Publisher) -> None:
    shared.push(publisher(name="model_1"))
    with pytest.raises(ZooError, match=r"VZ509.*the names model_1 and model_l look alike"):
        shared.push(publisher(name="model_l"))


def test_an_entry_with_a_changed_file_is_refused(shared: Storage, publisher: Publisher) -> None:
    entry = publisher()
    (entry.path / "figures" / "samples.png").write_bytes(b"\x89PNG other")
    with pytest.raises(ZooError, match=r"VZ509.*samples\.png of tiny was changed"):
        shared.push(entry)
    assert not Path(zoo_address(shared.written).place).exists()


def test_a_hostile_index_is_not_replaced(shared: Storage, publisher: Publisher) -> None:
    folder = Path(zoo_address(shared.written).place)
    folder.mkdir()
    (folder / "index.json").write_bytes(b"{}")
    with pytest.raises(ZooError, match="VZ508"):
        shared.push(publisher())
    assert (folder / "index.json").read_bytes() == b"{}"


def test_the_card_names_address_and_license(shared: Storage, publisher: Publisher) -> None:
    revision = shared.push(publisher(), "cc-by-4.0")
    card = (Path(zoo_address(shared.written).place) / "tiny" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    assert f"vaezoo sample {shared.read}/tiny --n 50" in card
    assert f"![samples]({revision}/figures/samples.png)" in card


def test_a_pulled_entry_is_copied_and_never_changed(
    shared: Storage, publisher: Publisher, tmp_path: Path
) -> None:
    from vaezoo.evaluation.evaluate_entry import evaluate
    from vaezoo.zoo.write_lock import open_for_writing

    revision = shared.push(publisher())
    copied = pull(f"{shared.read}/tiny", into=tmp_path / "mine", registry=publisher.registry)
    assert copied.entry.path == tmp_path / "mine" / "tiny"
    assert planned_upload(copied.entry, zoo_address(shared.written), "mit").row.revision == revision
    cached = find(f"{shared.read}/tiny")
    with pytest.raises(ZooError, match=r"VZ503.*a downloaded copy"):
        evaluate(f"{shared.read}/tiny", record=True, registry=publisher.registry)
    with (
        pytest.raises(ZooError, match=r"VZ503.*stays as it is"),
        open_for_writing(cached.path.parent),
    ):
        pass


def test_missing_plugins_are_named(shared: Storage, publisher: Publisher) -> None:
    from vaezoo.registry import Registry

    shared.push(publisher())
    pulled = pull(f"{shared.read}/tiny", registry=Registry())
    assert [finding.code for finding in pulled.missing] == ["VZ304"]
    assert "the plugin parts 1.2, which is not installed" in pulled.missing[0].message


def test_push_verifies_asks_for_a_license_and_dry_run_writes_nothing(
    shared: Storage, current: Path, tmp_path: Path
) -> None:
    entry, folder = current / "mnist_mlp20", Path(zoo_address(shared.written).place)
    with pytest.raises(UsageError, match="VZ509: the spec of mnist_mlp20 names no license"):
        push(entry, shared.written)
    with pytest.raises(UsageError, match="VZ509: 'M I T' is not the name of a license"):
        push(entry, shared.written, license="M I T")
    with pytest.raises(UsageError, match="VZ510: nowhere is not the address of a zoo"):
        push(entry, "nowhere", license="mit")
    made = push(entry, shared.written, license="mit", dry_run=True, samples=1)
    assert not folder.exists()
    assert made.reader_line == f"vaezoo sample {shared.read}/mnist_mlp20 --n 50"
    assert made.files["model.safetensors"] > 10**6
    assert "@misc{mnist-mlp20-" in made.bibtex


def test_an_entry_that_fails_verification_is_not_pushed(
    shared: Storage, current: Path, tmp_path: Path
) -> None:
    import json
    import shutil

    from vaezoo.zoo.entry import Entry
    from vaezoo.zoo.publish import seal

    forged = tmp_path / "mnist_mlp20"
    shutil.copytree(current / "mnist_mlp20", forged)
    metrics = json.loads((forged / "metrics.json").read_text("utf-8"))
    metrics["figures"][0]["value"] += 30
    (forged / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", "utf-8")
    for name in ("manifest.json", "README.md"):
        (forged / name).unlink()
    seal(Entry(forged, "mnist_mlp20"))
    with pytest.raises(ZooError, match="VZ509: mnist_mlp20 was not pushed, since it fails"):
        push(forged, shared.written, license="mit", samples=1)
    assert not Path(zoo_address(shared.written).place).exists()


def test_the_command_shows_files_and_what_readers_need(shared: Storage, current: Path) -> None:
    arguments = ["push", "mnist_mlp20", shared.written, "--license", "mit", "--samples", "1"]
    result = CliRunner().invoke(cli, [*arguments, "--zoo", str(current)])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "new in this zoo" in result.output
    assert "  model.safetensors" in result.output
    assert f"pushed mnist_mlp20, revision {remote_entries(shared.read)[0].revision[:12]}" in (
        result.output
    )
    assert f"vaezoo sample {shared.read}/mnist_mlp20 --n 50" in result.output
    content = open_files(zoo_address(shared.read)).read("index.json", LARGEST_INDEX)
    assert read_index(content).entries["mnist_mlp20"].license == "mit"


def test_text_in_tex_is_literal() -> None:
    assert in_tex("50 % of\n$x_1$ {a}\\b") == r"50 \% of \$x\_1\$ \{a\}\textbackslash{}b"
