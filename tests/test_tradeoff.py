import io

from matplotlib.figure import Figure
from PIL import Image

from vaezoo.evaluation.rate_distortion import Point, _Labels, draw_tradeoff, groups_of

TAKEN = "blobs: 96 test images, 10 samples each, bernoulli likelihood, not binarised"


def grid(*seeds: int) -> list[Point]:
    """Members with β from 4 down, several seeds each, close together."""
    return [
        Point(f"m{b}-{s}", 9 - b + s / 9, 240 + 3 * b, {"loss.beta": b, "train.seed": s}, TAKEN)
        for b in (4, 2, 1, 0.5)
        for s in seeds
    ]


def test_a_seed_is_named_only_where_nothing_else_varies():
    point = Point("sweep-beta4-seed1", 7.0, 242.0, {"loss.beta": 4, "train.seed": 1})
    assert point.label == "beta 4"
    assert Point("sweep-seed1", 7.0, 242.0, {"train.seed": 1}).label == "seed 1"


def test_seeds_of_one_setting_are_a_group_and_numbers_are_in_order():
    groups = groups_of(grid(0, 1))
    assert [group.label for group in groups] == ["beta 0.5", "beta 1", "beta 2", "beta 4"]
    assert [group.number for group in groups] == [0.5, 1, 2, 4]
    assert groups[1].centre == (8 + 1 / 18, 243.0)


def test_words_switches_and_seeds_are_no_numbers_in_an_order():
    for values in ({"model.decoder": "mlp"}, {"train.shuffle": True}, {"train.seed": 3}):
        (group,) = groups_of([Point("m", 1.0, 2.0, values)])
        assert group.number is None


def test_the_picture_is_the_same_for_the_same_members_and_no_other():
    points = grid(0, 1)
    first = draw_tradeoff(points, "sweep")
    assert draw_tradeoff(points, "sweep") == first
    assert draw_tradeoff(points[:4], "sweep") != first
    assert Image.open(io.BytesIO(first)).size == (896, 688)


def test_many_members_and_equal_ones_are_drawn():
    several = [Point(f"m{n}", 5.0, 240.0, {"train.seed": n}) for n in range(40)]
    assert draw_tradeoff(several, "sweep")


def test_labels_hide_neither_points_nor_each_other():
    points = [Point(f"m{n}", 5 + n / 40, 240 + n % 3 / 9, {"train.seed": n}) for n in range(20)]
    axes = Figure(figsize=(5, 4), dpi=160).subplots()
    axes.scatter([point.rate for point in points], [point.distortion for point in points])
    axes.figure.draw_without_rendering()
    labels = _Labels(axes, points)
    labels.write(groups_of(points))
    taken = labels.taken
    assert len(points) < len(taken) <= 2 * len(points)
    assert len(axes.texts) == len(taken) - len(points)
    for number, label in enumerate(taken[len(points) :], start=len(points)):
        assert not any(label.overlaps(other) for other in taken[:number])
