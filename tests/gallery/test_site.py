"""A gallery as a whole: links, what is kept, what is removed, what is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from vaezoo.cli.commands import cli
from vaezoo.diagnostics import DiagnosticWarning, UsageError, ZooError
from vaezoo.gallery import build_gallery
from vaezoo.zoo.search import shipped_folder

ROOT = Path(__file__).parent.parent.parent
ALL = [shipped_folder(), *sorted(ROOT.glob("plugins/*/zoo"))]
ENTRIES = [path.parent.name for zoo in ALL for path in zoo.glob("*/model.safetensors")]

Zoo = Callable[..., Path]


class Links(HTMLParser):
    """What a page loads or leads to, and its ids."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]
        self.ids |= {value} if (value := given.get("id")) else set()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of all entries."""
    out = tmp_path_factory.mktemp("gallery") / "site"
    started = time.process_time()
    built = build_gallery(*ALL, out=out)
    assert time.process_time() - started < 60
    assert sorted(built.entries) == sorted(built.made) == sorted(ENTRIES)
    assert not built.damaged
    return out


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_every_link_resolves_and_only_sources_are_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == len(ENTRIES) + 2
    for page in pages:
        for target in Links(page).targets:
            parts = urlsplit(target)
            if parts.scheme:
                assert parts.scheme in ("http", "https"), f"{page}: {target}"
                continue
            assert not parts.path.startswith("/")
            found = page.parent / unquote(parts.path) if parts.path else page
            assert found.is_file(), f"{page} leads to {target}"
            if parts.fragment and "=" not in parts.fragment:
                assert parts.fragment in Links(found).ids, f"{page} leads to {target}"


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text("utf-8")
            assert not re.search(r"""(src|srcset)=["']?(https?:)?//|url\(|@import|fetch\(""", text)


def test_index_is_for_programs(site: Path) -> None:
    index = json.loads((site / "index.json").read_text("utf-8"))
    assert index["format"] == "vaezoo gallery index 1"
    assert [one["slug"] for one in index["entries"]] == sorted(ENTRIES)
    for entry in index["entries"]:
        assert (site / entry["page"]).is_file()
        assert all((site / picture["file"]).is_file() for picture in entry["pictures"])
    by_name = {one["name"]: one for one in index["entries"]}
    assert by_name["mnist_flax20"]["verdict"] == "reproduced"
    assert by_name["mnist_nvae2"]["verdict"] == "not reproduced"
    assert by_name["fashion_mlp2"]["verdict"] is None
    assert by_name["mnist_top_down"]["families"] == ["top_down"]
    assert by_name["mnist_conditional"]["families"] == ["conditional"]


def test_only_figures_of_one_protocol_are_ranked(site: Path) -> None:
    index = json.loads((site / "index.json").read_text("utf-8"))
    by_slug = {one["slug"]: one for one in index["entries"]}
    ranked = [slug for protocol in index["protocols"] for slug in protocol["entries"]]
    assert sorted(ranked) == sorted(ENTRIES)
    for protocol in index["protocols"]:
        elbos = []
        for slug in protocol["entries"]:
            (elbo,) = (f for f in by_slug[slug]["figures"] if f["role"] == "elbo")
            assert by_slug[slug]["dataset"] == protocol["dataset"]
            for key in ("split", "likelihood", "binarisation", "samples", "examples"):
                assert elbo[key] == protocol[key]
            elbos.append(elbo["value"])
        assert elbos == sorted(elbos, reverse=True)


def test_building_again_changes_nothing_and_loads_nothing_heavy(site: Path) -> None:
    before = {path: (site / path).stat().st_mtime_ns for path in contents(site)}
    program = f"""
import sys
from vaezoo.gallery import build_gallery
built = build_gallery(*{[str(zoo) for zoo in ALL]!r}, out={str(site)!r})
heavy = ("torch", "torchvision", "numpy", "matplotlib", "jinja2", "PIL")
print(len(built.made), [name for name in heavy if name in sys.modules])
"""
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "0 []"
    assert {path: (site / path).stat().st_mtime_ns for path in contents(site)} == before


def test_only_changed_entries_are_made_again(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2", "mnist_nvae5")
    assert set(build_gallery(models, out="site").made) == {"mnist_nvae2", "mnist_nvae5"}
    metrics = models / "mnist_nvae5" / "metrics.json"
    metrics.write_text(metrics.read_text("utf-8").replace("-113.3", "-113.4"), "utf-8")
    assert build_gallery(models, out="site").made == ("mnist_nvae5",)
    assert "−113.4" in Path("site/entries/mnist_nvae5/index.html").read_text("utf-8")
    assert "−113.4" in Path("site/index.html").read_text("utf-8")
    Path("site/entries/mnist_nvae2/index.html").write_text("changed")
    assert build_gallery(models, out="site").made == ("mnist_nvae2",)


def test_outdated_files_go_and_others_stay(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2", "mnist_nvae5")
    build_gallery(models, out="site")
    own = [Path("site/CNAME"), Path("site/entries/mnist_nvae5/notes.txt")]
    for path in own:
        path.write_text("mine")
    changed = Path("site/entries/mnist_nvae5/spec.yaml")
    changed.write_text("mine")
    shutil.rmtree(models / "mnist_nvae5")
    assert build_gallery(models, out="site").entries == ("mnist_nvae2",)
    assert [path.read_text() for path in (*own, changed)] == ["mine"] * 3
    assert sorted(os.listdir("site/entries/mnist_nvae5")) == ["notes.txt", "spec.yaml"]
    own[1].unlink()
    changed.unlink()
    assert "mnist_nvae5" not in Path("site/index.html").read_text("utf-8")


def test_an_interrupted_build_continues(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    models = zoo("mnist_nvae2", "mnist_nvae5")
    written = []

    def stop(name: str) -> None:
        written.append(name)
        if len(written) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_gallery(models, out="site", announce=stop)
    assert build_gallery(models, out="site").made == (written[1],)


def test_links_are_not_followed(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    build_gallery(models, out="site")
    shutil.move("site/entries/mnist_nvae2", "elsewhere")
    before = contents(Path("elsewhere"))
    Path("site/entries/mnist_nvae2").symlink_to(Path("elsewhere").resolve())
    with pytest.raises(ZooError, match="it is a link"):
        build_gallery(models, out="site")
    shutil.rmtree(models / "mnist_nvae2")
    shutil.copytree(shipped_folder() / "mnist_nvae5", models / "mnist_nvae5")
    build_gallery(models, out="site")
    assert contents(Path("elsewhere")) == before
    Path("link").symlink_to("site")
    with pytest.raises(ZooError, match="it is a link"):
        build_gallery(models, out="link")


def test_a_hostile_gallery_json_deletes_nothing(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    build_gallery(models, out="site")
    Path("mine").write_text("")
    manifest = json.loads(Path("site/gallery.json").read_text())
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for path in ("../mine", "/mine", "entries/../../mine", "entries//mine", ".git/config", "a/"):
        part = {"key": "", "files": {path: empty}, "data": None}
        Path("site/gallery.json").write_text(json.dumps({**manifest, "parts": {"x": part}}))
        with pytest.raises(UsageError, match="cannot be used"):
            build_gallery(models, out="site")
        assert Path("mine").exists()


@pytest.mark.parametrize("inside", ["index.html", "notes.txt", "gallery.json"])
def test_a_folder_with_other_files_is_refused(zoo: Zoo, inside: str) -> None:
    models = zoo("mnist_nvae2")
    Path("site").mkdir()
    Path("site", inside).write_text("{}")
    with pytest.raises(UsageError, match="not empty and not a gallery"):
        build_gallery(models, out="site")
    assert os.listdir("site") == [inside]


def test_a_new_branch_for_pages_is_no_other_folder(zoo: Zoo) -> None:
    Path("site/.git").mkdir(parents=True)
    assert build_gallery(zoo("mnist_nvae2"), out="site").page.is_file()


def test_a_file_in_the_way_is_not_replaced(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    build_gallery(models, out="site")
    Path("site/entries/mnist_nvae5").mkdir()
    Path("site/entries/mnist_nvae5/index.html").write_text("mine")
    shutil.copytree(shipped_folder() / "mnist_nvae5", models / "mnist_nvae5")
    with pytest.raises(ZooError, match="vaezoo did not write it"):
        build_gallery(models, out="site")
    assert Path("site/entries/mnist_nvae5/index.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("zoos", "out", "message"),
    [
        (["none"], "site", "no zoo folder none"),
        (["models/mnist_nvae2"], "site", "is an entry"),
        (["empty"], "site", "no entries in empty"),
        (["models"], "models/site", "is in the zoo"),
        (["models"], "models", "not a gallery that vaezoo wrote"),
        (["models"], "none/site", "no folder none"),
        (["models"], "file", "it is not a folder"),
    ],
)
def test_wrong_folders(zoo: Zoo, zoos: list[str], out: str, message: str) -> None:
    zoo("mnist_nvae2")
    Path("empty").mkdir()
    Path("file").write_text("mine")
    with pytest.raises((UsageError, ZooError), match=message):
        build_gallery(*zoos, out=out)
    assert Path("file").read_text() == "mine"


def test_entries_of_one_name_have_pages_of_their_own(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    shutil.copytree(models, "others")
    built = build_gallery(models, "others", out="site")
    assert built.entries == ("mnist_nvae2", "mnist_nvae2-2")
    assert "--zoo others" in Path("site/entries/mnist_nvae2-2/index.html").read_text("utf-8")


def test_a_page_names_no_path_of_this_computer(zoo: Zoo, tmp_path: Path) -> None:
    models = zoo("mnist_nvae2").absolute()
    (tmp_path / "work").mkdir()
    os.chdir(tmp_path / "work")
    build_gallery(models, out="site")
    for name, content in contents(Path("site")).items():
        assert str(tmp_path).encode() not in content, name


def test_command(zoo: Zoo) -> None:
    zoo("mnist_nvae2")
    first = CliRunner().invoke(cli, ["gallery", "models", "--out", "site"])
    assert first.output == "gallery of 1 model, 1 page made → site/index.html\n"
    again = CliRunner().invoke(cli, ["gallery", "models", "--out", "site"])
    assert again.output == "gallery of 1 model, nothing changed → site/index.html\n"


@pytest.mark.slow
def test_report_pages(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    build_gallery(models, out="site", pages=["report"])
    page = Path("site/entries/mnist_nvae2/index.html").read_text("utf-8")
    assert 'href="report.html"' in page
    assert "Observations" in Path("site/entries/mnist_nvae2/report.html").read_text("utf-8")
    assert not build_gallery(models, out="site", pages=["report"]).made
    build_gallery(models, out="site")
    assert not Path("site/entries/mnist_nvae2/report.html").exists()


def test_a_page_that_fails_is_named_and_tried_again(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaezoo.gallery import extra_pages

    def fail(entry: object) -> str:
        raise RuntimeError("<b>no GPU</b>")

    failing = (extra_pages.ExtraPage("report", "Report", fail),)
    monkeypatch.setattr(extra_pages, "EXTRA_PAGES", failing)
    models = zoo("mnist_nvae2")
    for _ in range(2):
        with pytest.warns(DiagnosticWarning, match="no GPU"):
            assert build_gallery(models, out="site", pages=["report"]).made == ("mnist_nvae2",)
    page = Path("site/entries/mnist_nvae2/index.html").read_text("utf-8")
    assert "&lt;b&gt;no GPU&lt;/b&gt;" in page
    with pytest.raises(UsageError, match="no page 'other'"):
        build_gallery(models, out="site", pages=["other"])
