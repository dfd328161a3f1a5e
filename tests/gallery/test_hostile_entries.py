"""Entries from strangers: shown as text, or listed as damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.forging import rewrite_header, rewrite_json
from vaezoo.diagnostics import DiagnosticWarning
from vaezoo.gallery import build_gallery

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</script><script>alert(1)//",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "a\x1b[31mb",
    "]]><!--",
]
TAGS = {"script", "img", "link", "a", "svg", "meta"}
Zoo = Callable[..., Path]


class Page(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = path.read_text("utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def outline(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """The tags with the names of their attributes, links to sources left out."""
    return [
        (tag, tuple(given))
        for tag, given in page.tags
        if not (tag == "a" and str(given.get("rel")).startswith("nofollow"))
    ]


def is_harmless(page: Path) -> None:
    for tag, given in Page(page).tags:
        assert not any(name.startswith("on") for name in given), (page, tag, given)
        for name in ("href", "src"):
            target = given.get(name) or ""
            scheme = target.partition(":")[0]
            assert ":" not in target or scheme in ("http", "https"), (page, target)
    text = page.read_text("utf-8")
    assert "\u202e" not in text
    assert "\x1b" not in text


def spoil(folder: Path, text: str) -> None:
    """Put a text wherever an entry holds one."""

    def spec(data: Any) -> None:
        data["summary"] = text
        data["dataset"] = {"use": text, "path": text, text: text}
        data["model"]["posterior"] = {"use": text}
        data["model"]["topology"] = [text]
        data["model"]["likelihood"] = text
        data["sampler"] = {text: text}
        data["publish"] = {"license": text}
        data["targets"] = [{"metric": text, "value": 1, "tolerance": 1, "source": text}]

    def lock(data: Any) -> None:
        data["dataset"] |= {"use": text, "digest": text, "classes": [text, "b"]}
        data["device"] = {"type": text, "name": text}
        data |= {"precision": text, "vaezoo": text, "torch": text, "python": text}
        data["components"][0] |= {"distribution": text, "plugin": text, "version": text}

    def metrics(data: Any) -> None:
        data["figures"] = [figure for figure in data["figures"] if figure["about"]]
        for figure in data["figures"]:
            figure |= dict.fromkeys(("unit", "likelihood", "binarisation", "note"), text)
            figure["likelihood_caveat"] = text
        data["figures"].append({**data["figures"][0], "name": text, "split": text, "about": None})
        for target in data["targets"]:
            target |= {"metric": text, "source": text, "note": text}
        data["notes"] = [text]

    rewrite_header(folder, spec=spec, lock=lock)
    rewrite_json(folder, metrics)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_shown_and_do_nothing(zoo: Zoo, text: str) -> None:
    models = zoo("mnist_nvae2")
    spoil(models / "mnist_nvae2", "word")
    build_gallery(models, out="plain")
    spoil(models / "mnist_nvae2", text)
    assert build_gallery(models, out="site").entries == ("mnist_nvae2",)
    for name in ("index.html", "compare.html", "entries/mnist_nvae2/index.html"):
        is_harmless(Path("site") / name)
        assert outline(Page(Path("site", name))) == outline(Page(Path("plain", name)))
    assert json.loads(Path("site/index.json").read_text("utf-8"))["entries"][0]["summary"] == text
    data = Page(Path("site/compare.html")).text.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(data)[0]["slug"] == "mnist_nvae2"


@pytest.mark.parametrize(
    ("source", "links"),
    [
        ("paper (https://arxiv.org/abs/1804.00891)", ["https://arxiv.org/abs/1804.00891"]),
        ("http://a.org/x, https://b.org.", ["http://a.org/x", "https://b.org"]),
        ("javascript:alert(1) data:text/html,x //a.org ftp://a.org file:///etc/passwd", []),
        ("https://good.org@evil.org/", []),
        ("https://а.org", []),
        ('https://a.org/"onmouseover=alert(1)', []),
        ("JAVASCRIPT:https://a.org/%0aalert(1)", ["https://a.org/%0aalert"]),
    ],
)
def test_only_web_addresses_become_links(source: str, links: list[str]) -> None:
    from vaezoo.gallery.link_addresses import with_links

    class Found(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag == "a"
            assert dict(attrs)["rel"] == "nofollow ugc noopener noreferrer"
            found.append(dict(attrs)["href"])

    found: list[str | None] = []
    Found().feed(str(with_links(source)))
    if source.startswith("JAVASCRIPT"):
        assert all(str(one).startswith("https://a.org/") for one in found)
    else:
        assert found == links


def _pictures(folder: Path) -> None:
    figures = folder / "figures"
    png = (figures / "samples.png").read_bytes()
    (figures / "page.html").write_text("<script>alert(1)</script>")
    (figures / "drawing.svg").write_text("<svg onload='alert(1)'/>")
    (figures / "fake.png").write_text("<script>alert(1)</script>")
    (figures / "<img src=x>.png").write_bytes(png)
    (figures / "A b'.png").write_bytes(png)
    (figures / "-rf.png").write_bytes(png)
    (figures / "linked.png").symlink_to("/etc/passwd")
    os.mkfifo(figures / "pipe.png")


def test_pictures_are_checked_and_renamed(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")
    _pictures(models / "mnist_nvae2")
    build_gallery(models, out="site")
    files = {path.name for path in Path("site/entries/mnist_nvae2").iterdir()}
    pictures = {"card.png", "samples.png", "picture-2.png", "picture-3.png", "picture-4.png"}
    assert files == {"index.html", "spec.yaml", *pictures}
    page = Page(Path("site/entries/mnist_nvae2/index.html"))
    is_harmless(Path("site/entries/mnist_nvae2/index.html"))
    assert all(name in page.text for name in ("page.html", "drawing.svg", "fake.png"))


@pytest.mark.parametrize("size", [(0, 0), (2**31, 1), (40_000, 40_000)])
def test_a_picture_of_absurd_size_is_left_out(zoo: Zoo, size: tuple[int, int]) -> None:
    models = zoo("mnist_nvae2")
    picture = models / "mnist_nvae2" / "figures" / "samples.png"
    content = bytearray(picture.read_bytes())
    content[16:20], content[20:24] = (side.to_bytes(4, "big") for side in size)
    picture.write_bytes(content)
    build_gallery(models, out="site")
    assert not list(Path("site/entries/mnist_nvae2").glob("*.png"))


def _no_metrics(folder: Path) -> None:
    (folder / "metrics.json").unlink()


def _bad_history(folder: Path) -> None:
    (folder / "history.jsonl").write_text('{"epoch": 1}\n')


def _linked_history(folder: Path) -> None:
    (folder / "history.jsonl").unlink()
    (folder / "history.jsonl").symlink_to("/dev/zero")


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _other_name(folder: Path) -> None:
    rewrite_header(folder, spec=lambda data: data.update(name="other"))


@pytest.mark.parametrize(
    "damage", [_no_metrics, _bad_history, _linked_history, _no_weights, _other_name]
)
def test_a_damaged_entry_is_listed_and_harms_no_other(
    zoo: Zoo, damage: Callable[[Path], None]
) -> None:
    models = zoo("mnist_nvae2", "mnist_nvae5")
    build_gallery(models, out="site")
    damage(models / "mnist_nvae5")
    for _ in range(2):
        with pytest.warns(DiagnosticWarning, match="lists mnist_nvae5 as damaged"):
            built = build_gallery(models, out="site")
        assert built.entries == ("mnist_nvae2",)
        assert built.damaged == ("mnist_nvae5",)
    assert not Path("site/entries/mnist_nvae5").exists()
    assert "Damaged entries" in Path("site/index.html").read_text("utf-8")
    (listed,) = json.loads(Path("site/index.json").read_text("utf-8"))["damaged"]
    assert listed["name"] == "mnist_nvae5"
    assert "models/" not in listed["message"]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\udcff", "a b\n", "..x"])
def test_a_folder_of_any_name_is_listed_as_damaged(zoo: Zoo, name: str) -> None:
    models = zoo("mnist_nvae2")
    folder = os.fsencode(models) + b"/" + name.replace("/", "_").encode("utf-8", "surrogateescape")
    os.mkdir(folder)
    if name.startswith("."):
        assert not build_gallery(models, out="site").damaged
        return
    with pytest.warns(DiagnosticWarning, match="damaged"):
        build_gallery(models, out="site")
    is_harmless(Path("site/index.html"))
    assert "<script>alert" not in Path("site/index.html").read_text("utf-8")
    json.loads(Path("site/index.json").read_text("utf-8"))


def test_values_that_are_not_finite(zoo: Zoo) -> None:
    models = zoo("mnist_nvae2")

    def change(data: Any) -> None:
        for figure in data["figures"]:
            figure["value"] = figure["standard_error"] = None

    rewrite_json(models / "mnist_nvae2", change)
    history = models / "mnist_nvae2" / "history.jsonl"
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    for line in lines:
        line["train"] = dict.fromkeys(line["train"])
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    build_gallery(models, out="site")
    assert "no test ELBO" in Path("site/index.html").read_text("utf-8")
    json.loads(Path("site/index.json").read_text("utf-8"))
