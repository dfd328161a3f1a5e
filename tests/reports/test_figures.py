"""Tables of figures: one, or two that are not too long; notes told once."""

from dataclasses import replace

from tests.reports.test_observations import figure
from vaezoo.reports.blocks import text_of
from vaezoo.reports.figure_tables import figure_tables, how_obtained, label_of, value_of

BOUNDS = [figure(name, -100.0, 0.26) for name in ("elbo", "reconstruction", "kl", "iw_bound")]
SHARED = "mean images of 10 draws from the prior"
QUALITY = [
    replace(figure(name, 0.5), unit="fraction of the images", note=f"{SHARED}; {name} of others")
    for name in ("frechet_distance", "kernel_distance", "precision", "recall", "ssim")
]


def labels(table):
    return [text_of(row[0]) for row in table.rows]


def test_a_few_figures_stand_in_one_table():
    (table,) = figure_tables(BOUNDS)
    assert labels(table) == ["ELBO", "reconstruction", "KL", "importance-weighted bound"]
    assert [text_of(cell) for cell in table.rows[0][1:]] == ["−100.00 ± 0.26", "10"]


def test_many_are_divided_into_those_in_nats_and_the_others():
    first, second = figure_tables([*QUALITY, *BOUNDS])
    assert labels(first) == labels(figure_tables(BOUNDS)[0])
    assert labels(second) == [label_of(found) for found in QUALITY]
    assert first.caption
    assert not second.caption


def test_many_of_one_kind_are_divided_in_the_middle():
    first, second = figure_tables([replace(BOUNDS[0], name=f"bound_{n}") for n in range(9)])
    assert (len(first.rows), len(second.rows)) == (5, 4)


def test_a_shared_note_is_printed_once():
    text = how_obtained([*BOUNDS, *QUALITY[:2]])
    assert text.count(SHARED) == 1
    assert f"Fréchet distance, kernel distance: {SHARED}." in text
    assert "Kernel distance: kernel_distance of others." in text


def test_units_are_said_once():
    assert text_of(value_of(QUALITY[2])) == "0.5"
    units = replace(figure("active_units", 7.0), unit="latent dimensions of 10")
    assert text_of(value_of(units)) == "7 of 10"
    other = replace(figure("sharpness", 0.25, 0.01), unit="contrast", split="train")
    assert text_of(value_of(other)) == "0.250 ± 0.010 contrast"
    assert label_of(other) == "train sharpness"


def test_figures_of_fewer_images_say_so_below_the_common_protocol():
    fewer = [replace(figure, examples=200) for figure in BOUNDS[:1]]
    text = how_obtained([*BOUNDS[1:], *fewer])
    assert f"images (200 for {label_of(BOUNDS[0])});" in text
    assert text.count("likelihood") == 1
