import io

from PIL import Image

from vaezoo.tradeoff import Point, draw_tradeoff


def test_a_seed_is_named_only_where_nothing_else_varies():
    point = Point("sweep-beta4-seed1", 7.0, 242.0, {"loss.beta": 4, "train.seed": 1})
    assert point.label == "beta 4"
    assert Point("sweep-seed1", 7.0, 242.0, {"train.seed": 1}).label == "seed 1"


def test_the_picture_is_the_same_for_the_same_members_and_no_other():
    points = [Point(f"m{n}", 5.0 + n, 240.0 - 2 * n, {"loss.beta": n}) for n in range(5)]
    first = draw_tradeoff(points, "sweep")
    assert draw_tradeoff(points, "sweep") == first
    assert draw_tradeoff(points[:4], "sweep") != first
    assert Image.open(io.BytesIO(first)).size == (780, 630)


def test_many_members_and_equal_ones_are_drawn():
    several = [Point(f"m{n}", 5.0, 240.0, {"train.seed": n}) for n in range(40)]
    assert draw_tradeoff(several, "sweep")
