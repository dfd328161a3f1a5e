"""Pages: what is in them, what cannot get out of them, and what keeps one from being written."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import vaezoo
from tests.explorer.conftest import explored, page_json, small_model
from vaezoo.cli.commands import cli
from vaezoo.explorer.embedded_images import choose_test_images
from vaezoo.explorer.explorer_page import ExplorerPage, explorer_page
from vaezoo.explorer.page_data import Explored
from vaezoo.registry import Condition, ImageData, Split
from vaezoo.zoo.search import shipped_folder

HOSTILE = "</script><script>evil()</script><!--<img src=x onerror=evil()>&lt;\u2028\u202e"


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.found]


@pytest.fixture(scope="module")
def page() -> ExplorerPage:
    return explorer_page([explored()])


def test_a_page_knows_its_model(page: ExplorerPage) -> None:
    data = page_json(page.html)
    (model,) = data["models"]
    assert model["name"] == "small"
    assert model["packed"]["image"] == [1, 6, 6]
    assert model["problems"] == []
    assert model["parity"]["difference"] < 1e-5
    assert model["parity"]["count"] == 100
    assert len(model["contours"][0]) == 3
    assert data["images"]["count"] == 96
    assert data["images"]["labels"] == sorted(data["images"]["labels"])
    assert len(base64.b64decode(model["means"])) == 96 * 2 * 4


def test_contours_of_a_standard_normal_are_circles(page: ExplorerPage) -> None:
    (contours,) = page_json(page.html)["models"][0]["contours"]
    for contour, mass in zip(contours, (0.5, 0.9, 0.99), strict=True):
        assert contour["mass"] == mass
        points = torch.tensor(next(path for path in contour["paths"] if path)).reshape(-1, 2)
        # |z|² of two latents is exponential with mean 2
        radius = (-2 * torch.tensor(1 - mass).log()).sqrt()
        assert (points.norm(dim=1) - radius).abs().max() < 0.25


def test_a_page_loads_nothing_and_runs_only_its_own_script(page: ExplorerPage) -> None:
    elements = Elements(page.html)
    assert elements.tags.count("script") == 2
    assert not [a for _, a in elements.found if {"src", "href", "style"} & set(a)]
    policy = next(a["content"] for _, a in elements.found if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    script = page.html.rsplit("<script>", 1)[1].rsplit("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert set(re.findall(r"https?://[^\s\"'`]+", page.html)) == {"http://www.w3.org/2000/svg"}


def test_everything_besides_the_weights_is_small() -> None:
    page = explorer_page([explored()])
    weights = page_json(page.html)["models"][0]["packed"]["weights"]
    assert len(page.html) - len(weights) < 300_000


def test_hostile_text_stays_text() -> None:
    condition = Condition((HOSTILE, "b", "c", "d"))
    split = Split(torch.zeros(8, 1, 6, 6, dtype=torch.uint8), torch.arange(8) % 4)
    images = choose_test_images(ImageData(split, split, condition.names, ""))
    model = small_model(condition, model={"condition": "labels"})
    html = explorer_page([Explored(HOSTILE, HOSTILE, model, images, HOSTILE)]).html
    elements = Elements(html)
    assert elements.tags.count("script") == 2
    assert not {"img", "evil"} & set(elements.tags)
    assert not [a for _, a in elements.found if "onerror" in a]
    assert html.isascii() or not {"\u2028", "\u202e"} & set(html)
    data = page_json(html)
    assert data["models"][0]["load"] == HOSTILE  # the Python code needs the very name
    assert "\u202e" not in data["models"][0]["name"]
    assert data["models"][0]["classes"][1:] == ["b", "c", "d"]
    assert "\\u202e" in data["classNames"][0]


class _Sorting(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return z.sort(1).values.sum(1).reshape(-1, 1, 1, 1).expand(-1, 1, 6, 6)


def test_a_decoder_that_cannot_be_exported_is_named() -> None:
    model = small_model()
    model.decoder = _Sorting()
    (data,) = page_json(explorer_page([replace(explored(), model=model)]).html)["models"]
    assert data["packed"]["decode"] is None
    assert data["packed"]["encode"] is not None
    assert data["parity"] is None
    (problem,) = data["problems"]
    assert problem.startswith("the decoder cannot run in the page: sort")


def test_a_page_without_images_says_why() -> None:
    one = replace(explored(), images=None, problem="the files are away")
    data = page_json(explorer_page([one]).html)
    assert data["images"] is None
    assert data["models"][0]["measured"] is None
    assert data["models"][0]["problem"] == "the files are away"


def test_weights_stay_in_full_precision_where_rounding_shows() -> None:
    model = small_model(model={"decoder": {"use": "mlp", "hidden": [64]}})
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(30)
    (data,) = page_json(explorer_page([replace(explored(), model=model)]).html)["models"]
    assert data["parity"]["half"] is False
    assert data["parity"]["difference"] < 1e-4


def test_a_model_makes_its_own_page_for_a_notebook(tmp_path: Path) -> None:
    page = vaezoo.load(shipped_folder() / "mnist_nvae2").explore()
    shown = page._repr_html_()
    assert shown.startswith("<iframe")
    assert Elements(shown).tags == ["iframe"]
    assert page.save(tmp_path / "a.html").read_text("utf-8") == page.html


def test_the_command_writes_two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["mnist_nvae2", "mnist_conditional"]
    result = CliRunner().invoke(cli, ["explore", *names, "--zoo", str(shipped_folder())])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == "mnist_nvae2-mnist_conditional-explore.html"
    data = page_json((tmp_path / result.stdout.strip()).read_text("utf-8"))
    assert [one["load"] for one in data["models"]] == names
    assert data["models"][1]["classes"] == [str(digit) for digit in range(10)]


def test_a_file_of_another_kind_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.html"
    precious.write_text("precious")
    with pytest.raises(vaezoo.VaezooError, match=r"VZ503.*\n*.*--force"):
        vaezoo.explore("no_such_entry", out=precious)
    assert precious.read_text() == "precious"


def test_two_models_need_images_of_one_shape() -> None:
    with pytest.raises(vaezoo.VaezooError, match=r"VZ504.*small has images of 1×6×6, mnist_nvae2"):
        vaezoo.explore_model(small_model(), vaezoo.load(shipped_folder() / "mnist_nvae2"))
