"""Pages in Chromium without a network. Skipped without playwright and a Chromium of the system."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

import vaezoo
from tests.explorer.conftest import largest_difference, small_model
from vaezoo.explorer.embedded_images import choose_test_images
from vaezoo.explorer.explorer_page import explorer_page
from vaezoo.explorer.model_graphs import model_graphs
from vaezoo.explorer.page_data import Explored
from vaezoo.explorer.run_graph import run_graph
from vaezoo.model import VAE
from vaezoo.zoo.search import shipped_folder

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

#: A dense and a convolutional plane, sliders, many latents, and a conditional model.
SHIPPED = ["mnist_mlp2", "mnist_keras2", "fashion_conv12", "mnist_mlp128", "mnist_conditional"]
GRID = {
    "latent": [2, 3, 3],
    "encoder": {"use": "conv", "channels": [4]},
    "decoder": {"use": "conv_transpose", "channels": [4]},
}


@dataclass
class Window:
    """A page of the browser, and what went wrong in it."""

    page: Any
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def evaluate(self, code: str, *given: Any) -> Any:
        return self.page.evaluate(code, *given)

    def until(self, code: str) -> None:
        """Wait until JavaScript is true; the page's own policy forbids it to wait itself."""
        end = time.monotonic() + 60
        while not self.evaluate(code):
            assert time.monotonic() < end, f"{code} did not become true"
            self.page.wait_for_timeout(50)

    def settle(self) -> None:
        self.until("!!(window.vaezoo && vaezoo.ready && !vaezoo.frame && !vaezoo.tasks.size)")

    def image(self, canvas: str = "canvas.big") -> str:
        url: str = self.evaluate(f"document.querySelector('{canvas}').toDataURL()")
        return url


Opens = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opens(browser: Any) -> Iterator[Opens]:
    """Open a file in a window without a network."""
    contexts = []

    def open_file(path: Path, address: str = "", **options: Any) -> Window:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        window = Window(context.new_page())
        window.page.on("pageerror", lambda error: window.problems.append(str(error)))
        window.page.on(
            "console",
            lambda message: (
                window.problems.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        window.page.on("request", lambda request: window.requests.append(request.url))
        window.page.goto(path.as_uri() + address)
        window.settle()
        return window

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, VAE]]:
    """The page of a model, written once."""
    folder, found = tmp_path_factory.mktemp("pages"), dict[str, tuple[Path, VAE]]()

    def write(name: str) -> tuple[Path, VAE]:
        if name not in found:
            path = folder / f"{name}.html"
            if name == "grid":
                model = small_model(model=GRID)
                images = choose_test_images(model.spec.dataset.build())
                explorer_page([Explored(name, name, model, images)]).save(path)
            else:
                model = vaezoo.load(shipped_folder() / name)
                vaezoo.explore(shipped_folder() / name, out=path)
            found[name] = path, model
        return found[name]

    return write


@pytest.mark.parametrize("name", [*SHIPPED, "grid"])
def test_a_page_decodes_as_pytorch_does(name: str, written: Any, opens: Opens) -> None:
    path, model = written(name)
    window = opens(path)
    labels = None if model.condition is None else torch.arange(100) % model.condition.size
    z = model.draw(100, torch.Generator().manual_seed(7), labels)
    found = window.evaluate(
        "([all, labels]) => all.map((z, i) => Array.from(vaezoo.models[0].decode(z, labels[i])))",
        [z.flatten(1).tolist(), [0] * 100 if labels is None else labels.tolist()],
    )
    graph = model_graphs(model).halved().decode
    assert graph is not None
    for i in range(100):
        label = {} if labels is None else {"label": labels[i : i + 1]}
        assert largest_difference(found[i], run_graph(graph, {"z": z[i], **label})["image"]) < 1e-4
    halved = [p.half().float().equal(p) for p in model.state_dict().values()]
    if all(halved):
        assert largest_difference(found, model.decode(z, labels)) < 1e-4
    assert window.evaluate("vaezoo.models[0].check()") < 1e-4


@pytest.mark.parametrize("name", [*SHIPPED, "grid"])
def test_a_page_moves_and_asks_for_nothing(name: str, written: Any, opens: Opens) -> None:
    path, _ = written(name)
    window = opens(path)
    before, page = window.image(), window.page
    moved = page.locator("canvas.pad, .slider input").first
    moved.scroll_into_view_if_needed()
    box = moved.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.4 * box["height"], steps=5)
    page.mouse.up()
    window.settle()
    assert window.image() != before
    for tab in range(5):
        window.evaluate(f"vaezoo.open({tab})")
        if tab in (1, 2):
            window.evaluate("[0, 9, 4].forEach((place) => vaezoo.choose({ place }))")
        window.settle()
    assert window.problems == []
    assert [url for url in window.requests if not url.startswith(("data:", "blob:"))] == [
        path.as_uri()
    ]


def test_the_first_image_takes_less_than_a_second(written: Any, opens: Opens) -> None:
    """In processor time of the page's thread, which does not depend on other processes."""
    for name in ("mnist_mlp2", "fashion_conv12"):
        window = opens(written(name)[0])
        protocol = window.page.context.new_cdp_session(window.page)
        protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
        window.page.reload(wait_until="domcontentloaded")
        metrics = protocol.send("Performance.getMetrics")["metrics"]
        (seconds,) = [one["value"] for one in metrics if one["name"] == "TaskDuration"]
        assert window.evaluate("vaezoo.firstDecode") > 0
        assert seconds < 1


def test_encoding_agrees_with_pytorch(written: Any, opens: Opens) -> None:
    path, model = written("mnist_mlp2")
    window = opens(path)
    found = window.evaluate(
        "(() => { const { sources } = vaezoo.panels[0].slots, pixels = testImages.pixels(9),"
        " one = vaezoo.models[0].encode(pixels); return { pixels: Array.from(pixels),"
        " mean: Array.from(one.mean), sd: Array.from(one.sd), kl: Array.from(one.kl) }; })()"
    )
    images = torch.tensor(found["pixels"]).reshape(1, 1, 28, 28)
    with torch.no_grad():
        posterior = model.posterior(images)
    assert largest_difference(found["mean"], posterior.mean) < 1e-4
    assert largest_difference(found["sd"], posterior.variance.sqrt()) < 1e-4
    assert largest_difference(found["kl"], model.prior.kl(posterior)) < 1e-3


def test_a_drawing_is_encoded_and_keys_move(written: Any, opens: Opens) -> None:
    window = opens(written("mnist_mlp2")[0])
    page = window.page
    page.get_by_text("Draw or drop an image").click()
    canvas = page.locator("canvas.draw")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    before = window.image()
    page.mouse.move(box["x"] + 100, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 170, steps=8)
    page.mouse.up()
    window.settle()
    drawn = window.image()
    assert drawn != before
    assert "drawing" in page.locator("#panel").inner_text()
    page.locator("canvas.pad").focus()
    page.keyboard.press("Shift+ArrowRight")
    window.settle()
    assert window.image() != drawn
    page.keyboard.press("0")
    window.settle()
    assert window.evaluate("Array.from(vaezoo.models[0].z)") == [0, 0]


def test_the_address_brings_the_state_back(written: Any, opens: Opens) -> None:
    path, _ = written("mnist_conditional")
    window = opens(path)
    window.evaluate("vaezoo.models[0].setLabel(7); vaezoo.models[0].random(); vaezoo.open(3)")
    window.evaluate("vaezoo.panels[3].turn(2)")
    window.settle()
    address = window.evaluate("(vaezoo.write(), location.hash)")
    other = opens(path, address)
    state = "[vaezoo.tab, vaezoo.panels[3].page, vaezoo.models[0].label, vaezoo.address()]"
    assert other.evaluate(state) == window.evaluate(state)
    pixels = "Array.from(vaezoo.models[0].pixels)"
    assert largest_difference(other.evaluate(pixels), torch.tensor(window.evaluate(pixels))) < 0.02
    broken = opens(path, "#tab=99&z0=1_x&y0=500&image=-3-7000&page=-1&theme=<b>&at=x")
    assert broken.problems == []
    assert broken.evaluate("[vaezoo.tab, vaezoo.models[0].label >= 0]") == [0, True]


def test_figures_are_saved_with_a_caption(written: Any, opens: Opens) -> None:
    window = opens(written("mnist_mlp2")[0])
    files = {}
    for kind in ("PNG", "SVG"):
        with window.page.expect_download() as download:
            window.page.get_by_role("button", name=kind).first.click()
        files[kind] = Path(download.value.path()).read_bytes()
    assert files["PNG"].startswith(b"\x89PNG")
    svg = files["SVG"].decode()
    assert "mnist_mlp2: mean image at z = (" in svg
    assert "data:image/png;base64," in svg


def test_the_copied_python_gives_the_image_of_the_page(written: Any, opens: Opens) -> None:
    window = opens(written("mnist_conditional")[0])
    window.evaluate("(vaezoo.models[0].setLabel(3), vaezoo.models[0].random())")
    window.settle()
    code = window.evaluate("vaezoo.models[0].python()")
    code = code.replace('vaezoo.load("', f'vaezoo.load("{shipped_folder()}/')
    names: dict[str, Any] = {}
    exec(code, names)
    shown = window.evaluate("Array.from(vaezoo.models[0].pixels)")
    assert largest_difference(shown, names["image"]) < 0.02  # three decimals are copied


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_page_fits_its_window(written: Any, opens: Opens, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    for name in ("mnist_mlp2", "mnist_mlp128"):
        window = opens(written(name)[0], viewport=size, color_scheme=scheme)
        assert window.evaluate("document.documentElement.scrollWidth") <= width
        assert window.evaluate("document.documentElement.dataset.theme") == scheme
        unnamed = window.evaluate(
            "[...document.querySelectorAll('main canvas')].filter((c) => !c.closest('button')"
            " && !c.getAttribute('aria-label')).map((c) => c.className)"
        )
        assert [name for name in unnamed if "sheet" not in name] == []


def test_hostile_names_do_nothing(opens: Opens, tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=document.title='evil'><script>document.title='evil'//"
    model = small_model()
    images = choose_test_images(model.spec.dataset.build())
    explorer_page([Explored(hostile, hostile, model, images, hostile)]).save(tmp_path / "a.html")
    window = opens(tmp_path / "a.html")
    for tab in range(5):
        window.evaluate(f"vaezoo.open({tab})")
        window.settle()
    assert window.problems == []
    assert window.evaluate("document.querySelectorAll('img, script').length") == 2
    assert window.page.locator("h1").inner_text() == hostile
    code = window.evaluate("vaezoo.models[0].python()")
    assert f"vaezoo.load({json.dumps(hostile)})" in code


class _Sorting(torch.nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.sort(1).values.sum(1).reshape(-1, 1, 1, 1).expand(-1, 1, 6, 6)


def test_a_page_without_live_decoding_works(opens: Opens, tmp_path: Path) -> None:
    model = small_model()
    images = choose_test_images(model.spec.dataset.build())
    model.decoder = _Sorting()
    explorer_page([Explored("small", "small", model, images)]).save(tmp_path / "a.html")
    window = opens(tmp_path / "a.html")
    for tab in range(5):
        window.evaluate(f"vaezoo.open({tab})")
        if tab in (1, 2):
            window.evaluate("[0, 9, 4].forEach((place) => vaezoo.choose({ place }))")
        window.settle()
    assert window.problems == []
    assert "the decoder cannot run in the page: sort" in window.page.locator("main").inner_text()
