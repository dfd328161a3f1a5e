"""Cutting samples out of pictures, and the geometry of plots."""

from __future__ import annotations

import io
import math

import pytest
from PIL import Image

from vaezoo.gallery.svg_plots import bars, round_values, training_curves
from vaezoo.gallery.tile_sheet import card_picture
from vaezoo.registry import EpochRecord
from vaezoo.zoo import find


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["fashion_mlp2", "mnist_conditional", "mnist_flax20"])
def test_samples_are_cut_out_at_their_own_resolution(name: str) -> None:
    samples = next(path for path in find(name).figures if path.stem == "samples")
    card = card_picture(samples.read_bytes())
    assert card is not None
    assert card.scale == 2
    assert (card.width, card.height) == (5 * 29 - 1, 3 * 29 - 1)  # 28 pixels and a gap
    with Image.open(io.BytesIO(card.content)) as picture:
        assert picture.size == (card.width, card.height)
        assert picture.getpixel((28, 0))[3] == 0  # a gap is transparent
        assert picture.getpixel((0, 0)) == (0, 0, 0, 255)


@pytest.mark.parametrize("factor", [1, 3])
def test_tiles_of_a_drawn_grid(factor: int) -> None:
    sheet = Image.new("RGB", (400, 300), "white")
    for number in range(12):
        tile = Image.new("RGB", (16, 16), (10 * number, 0, 200))
        tile.putpixel((3, 3), (0, 255, 0))
        tile = tile.resize((16 * factor, 16 * factor), Image.Resampling.NEAREST)
        corner = 20 + number % 4 * (16 * factor + 3), 90 + number // 4 * (16 * factor + 3)
        sheet.paste(tile, corner)
    card = card_picture(encoded(sheet))
    assert card is not None
    with Image.open(io.BytesIO(card.content)) as picture:
        assert picture.getpixel((3, 3))[:3] == (0, 255, 0)
        assert picture.getpixel((0, 0))[:3] == (0, 0, 200)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        encoded(Image.new("RGB", (300, 200), "white")),
        encoded(Image.new("RGB", (300, 200), "black")),
        encoded(Image.new("L", (3000, 3000))),
    ],
)
def test_a_picture_without_a_grid_gives_no_card(content: bytes) -> None:
    assert card_picture(content) is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.25, 0.5, 0.75, 1]), (-120, -80, [-120, -110, -100, -90, -80])],
)
def test_round_values(low: float, high: float, expected: list[float]) -> None:
    assert round_values(low, high, 4) == pytest.approx(expected)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (0, math.inf), (2, 1), (1e300, 1.1e300)])
def test_round_values_of_any_range(low: float, high: float) -> None:
    assert len(round_values(low, high, 5)) < 30


def record(epoch: int, value: float, objective: float | None = None) -> EpochRecord:
    terms = {"objective": objective or value, "reconstruction": value, "kl": 1.0, "elbo": -value}
    return EpochRecord(epoch, terms, None, {}, 0.1, 1.0, 1.0)


def test_curves() -> None:
    same = training_curves([record(n, 100 / n) for n in range(1, 1001)])
    assert [plot.title for plot in same] == ["−ELBO", "reconstruction", "KL"]
    assert all(plot.train.startswith("M") and not plot.validation for plot in same)
    assert same[0].train.count("L") < 400
    other = training_curves([record(1, 3.0, 5.0)])
    assert [plot.title for plot in other] == ["objective", "−ELBO", "reconstruction", "KL"]
    assert not training_curves([])


def test_bars_are_limited_and_finite() -> None:
    plot = bars([1.0, math.nan, *[0.1] * 1000])
    assert plot is not None
    assert len(plot.bars) == 256
    assert plot.left_out == 1001 - 256
    assert bars([0.0]) is None
    assert bars([]) is None
