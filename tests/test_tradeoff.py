import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from vaezoo.evaluation.rate_distortion import (
    Point,
    _point_boxes,
    draw_tradeoff,
    groups_of,
    write_labels,
)

PROTOCOL = "blobs: 96 test images, 10 samples each, bernoulli likelihood, not binarised"


def grid(*seeds: int) -> list[Point]:
    """Points close together: four values of β, each with several seeds."""
    return [
        Point(f"m{b}-{s}", 9 - b + s / 9, 240 + 3 * b, {"loss.beta": b, "train.seed": s}, PROTOCOL)
        for b in (4, 2, 1, 0.5)
        for s in seeds
    ]


def test_a_label_has_the_seed_only_if_nothing_else_varies():
    point = Point("sweep-beta4-seed1", 7.0, 242.0, {"loss.beta": 4, "train.seed": 1})
    assert point.label == "beta 4"
    assert Point("sweep-seed1", 7.0, 242.0, {"train.seed": 1}).label == "seed 1"


def test_seeds_of_one_setting_form_a_group_and_numbers_are_sorted():
    groups = groups_of(grid(0, 1))
    assert [group.label for group in groups] == ["beta 0.5", "beta 1", "beta 2", "beta 4"]
    assert [group.number for group in groups] == [0.5, 1, 2, 4]
    assert groups[1].center == (8 + 1 / 18, 243.0)


def test_texts_booleans_and_seeds_are_not_numbers():
    for values in ({"model.decoder": "mlp"}, {"train.shuffle": True}, {"train.seed": 3}):
        (group,) = groups_of([Point("m", 1.0, 2.0, values)])
        assert group.number is None


@pytest.mark.slow
def test_the_png_depends_only_on_the_points():
    points = grid(0, 1)
    first = draw_tradeoff(points, "sweep")
    assert draw_tradeoff(points, "sweep") == first
    assert draw_tradeoff(points[:4], "sweep") != first
    assert Image.open(io.BytesIO(first)).size == (896, 688)


def test_many_members_and_equal_ones_are_drawn():
    several = [Point(f"m{n}", 5.0, 240.0, {"train.seed": n}) for n in range(40)]
    assert draw_tradeoff(several, "sweep")


def scattered(points):
    axes = Figure(figsize=(5, 4), dpi=160).subplots()
    axes.scatter([point.rate for point in points], [point.distortion for point in points])
    axes.figure.draw_without_rendering()
    return axes


def check_labels(axes, points, boxes):
    """No label overlaps a point or another label."""
    assert len(axes.texts) == len(boxes)
    taken = _point_boxes(axes, groups_of(points))
    assert len(taken) == len(points)
    for number, box in enumerate(boxes):
        assert not box.count_overlaps(taken)
        assert not box.count_overlaps(boxes[:number])


def test_labels_hide_neither_points_nor_each_other():
    points = [Point(f"m{n}", 5 + n / 40, 240 + n % 3 / 9, {"train.seed": n}) for n in range(20)]
    axes = scattered(points)
    boxes = write_labels(axes, groups_of(points))
    check_labels(axes, points, boxes)
    assert {text.get_text() for text in axes.texts} == {point.label for point in points}
    assert not axes.figure.texts


def test_crowded_points_have_numbers_and_a_key_beside_the_plot():
    words = "a decoder of a long name"
    points = [Point(f"m{n}", 5.0, 240 + n / 5, {"x": f"{words} {n}"}) for n in range(20)]
    points += [Point(f"n{n}", 5.4, 240 + n / 5, {"x": f"{words} {20 + n}"}) for n in range(20)]
    axes = scattered(points)
    axes.set_xlim(4.9, 5.5)
    boxes = write_labels(axes, groups_of(points))
    check_labels(axes, points, boxes)
    (key,) = axes.figure.texts
    lines = dict(line.split("  ") for line in key.get_text().splitlines())
    shown = {text.get_text() for text in axes.texts}
    assert lines.keys() == {text for text in shown if text.isdigit()}
    assert (shown - lines.keys()).isdisjoint(lines.values())
    assert axes.get_window_extent().x1 < key.get_window_extent().x0
    assert key.get_window_extent().x1 <= axes.figure.bbox.x1
