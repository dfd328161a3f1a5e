from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from vaezoo.components.visualizers import COMPONENTS, page_style
from vaezoo.plotting.png import png


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.use)
def test_the_same_picture_gives_the_same_bytes(make_context, component):
    once, again = (png(component().draw(make_context(latent=3, channels=3))) for _ in range(2))
    assert once == again


def test_the_file_is_an_image_of_the_figure_s_size(make_context, tmp_path):
    samples: Any = COMPONENTS[1]
    figure = samples(n=6, columns=3).draw(make_context())
    path = tmp_path / "samples.png"
    path.write_bytes(png(figure))
    with Image.open(path) as image:
        assert image.size == tuple((figure.get_size_inches() * page_style.DPI).round())
        assert image.info["dpi"] == pytest.approx((page_style.DPI, page_style.DPI), abs=0.1)
        assert {key: image.info[key] for key in image.info if key != "dpi"} == {
            "Software": "vaezoo"
        }


def test_few_colours_are_kept_exactly():
    figure = Figure(figsize=(1, 1), dpi=50, facecolor="#123456")
    assert _pixels(figure).tolist() == np.full((50, 50, 3), [0x12, 0x34, 0x56]).tolist()


@pytest.mark.slow
def test_a_crowded_scatter_keeps_the_colours_of_its_legend(make_context, tmp_path):
    context = make_context(count=3000)
    scatter: Any = next(component for component in COMPONENTS if component.use == "latent_scatter")
    seen = {tuple(pixel) for row in _pixels(scatter().draw(context)) for pixel in row.tolist()}
    for colour in page_style.CLASSES[:3]:
        assert tuple(bytes.fromhex(colour[1:])) in seen


def test_reduced_colours_stay_close_to_the_true_ones():
    ramp = np.linspace(0, 1, 300 * 300 * 3).reshape(300, 300, 3)
    figure = Figure(figsize=(3, 3), dpi=100)
    figure.add_axes((0, 0, 1, 1)).imshow(ramp, interpolation="nearest", aspect="auto")
    error = _pixels(figure)[1:-1, 1:-1].astype(float) / 255 - ramp[1:-1, 1:-1]
    assert np.sqrt((error**2).mean()) < 4 / 255


def _pixels(figure):
    import io

    with Image.open(io.BytesIO(png(figure))) as image:
        return np.asarray(image.convert("RGB"))
