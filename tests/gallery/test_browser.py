"""The pages in a browser, from ``file://``: scripts run, and no request leaves."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from vaezoo.gallery import build_gallery

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
NAMES = ("mnist_nvae2", "mnist_nvae5", "fashion_mlp2", "mnist_conditional")
Show = Callable[[str], str]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Show:
    """Gives the document of a page after its scripts ran; fails for an error in the console."""
    from vaezoo.zoo.search import shipped_folder

    folder = tmp_path_factory.mktemp("browser")
    for name in NAMES:
        shutil.copytree(shipped_folder() / name, folder / "models" / name)
    build_gallery(folder / "models", out=folder / "site")

    def dumped(page: str) -> str:
        shown = subprocess.run(
            [
                str(CHROMIUM),
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
                *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"),
                *("--virtual-time-budget=3000", "--dump-dom"),
                f"file://{folder}/site/{page}",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        said = [line for line in shown.stderr.splitlines() if ":CONSOLE" in line]
        assert not said
        return shown.stdout

    return dumped


def cards(document: str) -> set[str]:
    """The names of the visible cards."""
    found = re.findall(r'<li class="card" data-slug="(\w+)"[^>]*?(hidden="")?>', document)
    assert len(found) == len(NAMES)
    return {name for name, hidden in found if not hidden}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", set(NAMES)),
        ("dataset=mnist", {"mnist_nvae2", "mnist_nvae5", "mnist_conditional"}),
        ("dataset=mnist&family=plain", {"mnist_nvae2", "mnist_nvae5"}),
        ("family=conditional", {"mnist_conditional"}),
        ("latents=2", {"mnist_nvae2", "fashion_mlp2"}),
        ("q=hyperspherical+5", {"mnist_nvae5"}),
        ("dataset=none", set(NAMES)),
    ],
)
def test_filters(show: Show, state: str, expected: set[str]) -> None:
    document = show(f"index.html#{state}")
    assert cards(document) == expected
    assert f">{len(expected)} of {len(NAMES)}</output>" in document
    dimmed = set(re.findall(r'<tr data-slug="(\w+)" class="dim">', document))
    assert dimmed == set(NAMES) - expected


def test_compare_one_protocol(show: Show) -> None:
    document = show("compare.html#a=mnist_nvae2&b=mnist_nvae5")
    assert re.search(r"test ELBO</td>.*?\+22\.02 ± 0\.64", document)
    assert re.search(r"model\.latent</td><td>2</td><td>5", document)


def test_compare_two_protocols(show: Show) -> None:
    document = show("compare.html#a=mnist_nvae2&b=fashion_mlp2")
    assert "not comparable: other dataset, binarization" in document
    assert "±" not in document.partition("second − first")[2].partition("test reconstruction")[
        0
    ].replace("−135.34 ± 0.49", "").replace("−262.64 ± 0.81", "")


def test_an_entry_page(show: Show) -> None:
    assert '<button type="button" class="copy"' in show("entries/mnist_nvae2/index.html")
