from typing import Any

import numpy as np
import pytest

from vaezoo.components.visualizers import page_style
from vaezoo.components.visualizers.latent_scatter import _draw_plane, principal_components
from vaezoo.components.visualizers.visualizers import LatentScatter


def test_principal_components_are_those_of_a_singular_value_decomposition():
    rng = np.random.default_rng(0)
    means = (rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3).astype(np.float32)
    points, shares = principal_components(means)
    centred = means.astype(np.float64) - means.mean(0, dtype=np.float64)
    _, singular, vectors = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(centred @ vectors[:2].T), atol=1e-8)
    np.testing.assert_allclose(shares, (singular**2 / (singular**2).sum())[:2])


def test_means_that_never_vary_have_components_too():
    points, shares = principal_components(np.ones((5, 3), np.float32))
    assert (points == 0).all()
    assert (shares == 0).all()


def test_the_axes_say_what_they_are(make_context):
    (axes,) = LatentScatter().draw(make_context(latent=12)).axes
    assert axes.get_xlabel().startswith("PC 1 (")
    assert axes.get_xlabel().endswith("% of variance)")
    (axes,) = LatentScatter().draw(make_context(latent=2)).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z0", "z1")


@pytest.mark.parametrize("flatness", [1.0, 0.1, 1e-4])
def test_a_step_is_as_long_across_as_up(make_context, flatness):
    context = make_context(latent=2)
    points = np.random.default_rng(0).normal(size=(200, 2)) * [1.0, flatness]
    figure = _draw_plane(context, points, None, ("z0", "z1"), [])
    figure.canvas.draw()
    (axes,) = figure.axes
    box = axes.get_window_extent()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert (right - left) / box.width == pytest.approx((top - bottom) / box.height, rel=0.02)
    assert left < points[:, 0].mean() < right
    assert bottom < points[:, 1].mean() < top


def test_the_legend_names_the_classes_in_full_colour(make_context):
    (axes,) = LatentScatter().draw(make_context()).axes
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["sandal", "boot", "bag"]
    assert [handle.get_color() for handle in legend.legend_handles] == list(page_style.CLASSES[:3])
    assert all(handle.get_alpha() is None for handle in legend.legend_handles)


def test_points_are_drawn_in_random_order_and_no_more_than_asked(make_context):
    (axes,) = LatentScatter(points=40).draw(make_context()).axes
    points: Any = axes.collections[0]
    colours = points.get_facecolors()
    assert len(points.get_offsets()) == len(colours) == 40
    changes = (colours[1:] != colours[:-1]).any(1).sum()
    assert 10 < changes < 39


@pytest.mark.parametrize("count", [1, 10, 47])
def test_every_class_has_a_colour_of_its_own(count):
    assert len(set(page_style.class_colors(count))) == count
