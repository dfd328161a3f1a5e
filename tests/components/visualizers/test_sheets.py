"""Pictures made of images: which images, and where."""

import numpy as np
import pytest
import torch

from vaezoo.components.visualizers import choose_images, sheet
from vaezoo.components.visualizers.interpolations import line
from vaezoo.components.visualizers.latent_usage import measure
from vaezoo.components.visualizers.manifold import plane, quantiles
from vaezoo.components.visualizers.traversals import paths
from vaezoo.components.visualizers.visualizers import (
    Interpolations,
    LatentScatter,
    Manifold,
    Reconstructions,
    Samples,
    Traversals,
)

EDGE, GAP = 8, 1
STEP = EDGE + GAP


def cell(array, row, column):
    top, left = row * STEP, column * STEP
    return array[top : top + EDGE, left : left + EDGE]


def test_samples_stand_in_rows_on_white(make_context, sheet_of):
    context = make_context(channels=3)
    array = sheet_of(Samples(n=5, columns=3).draw(context))
    assert array.shape == (2 * EDGE + GAP, 3 * EDGE + 2 * GAP, 3)
    expected = context.model.sample(5, seed=context.seed).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(cell(array, 1, 1), expected[4])
    assert (cell(array, 1, 2) == 1).all()
    assert (array[EDGE] == 1).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_originals_stand_above_their_reconstructions(make_context, sheet_of, channels):
    context = make_context(channels=channels)
    array = sheet_of(Reconstructions(n=6, bands=1).draw(context))
    (indices,) = choose_images.spread_over_classes(context, columns=6, rows=1)
    originals = context.split.images[indices]
    for column in range(6):
        original = originals[column].permute(1, 2, 0).squeeze(2).numpy() / 255
        np.testing.assert_allclose(cell(array, 0, column), original, atol=1e-6)
    decoded = context.model.reconstruct(originals).permute(0, 2, 3, 1).squeeze(3).numpy()
    np.testing.assert_allclose(cell(array, 1, 2), decoded[2], atol=1e-6)


def test_images_with_other_channel_counts_have_no_picture():
    with pytest.raises(ValueError, match="2 channels"):
        sheet.pictures(torch.zeros(1, 2, 4, 4))


def test_reconstructions_are_spread_over_the_classes(make_context):
    context = make_context()
    chosen = choose_images.spread_over_classes(context, columns=6, rows=2)
    assert context.split.labels[chosen].tolist() == [[0, 1, 2, 0, 1, 2]] * 2
    assert chosen.unique().numel() == 12
    assert torch.equal(chosen, choose_images.spread_over_classes(context, columns=6, rows=2))
    other = choose_images.spread_over_classes(make_context(seed=1), columns=6, rows=2)
    assert not torch.equal(chosen, other)


def test_more_classes_than_columns_are_drawn_by_the_seed(make_context):
    context = make_context()
    labels = context.split.labels[choose_images.spread_over_classes(context, columns=2, rows=3)]
    assert (labels == labels[0]).all()
    assert labels[0].unique().numel() == 2


def test_a_class_with_too_few_images_repeats_them(make_context):
    context = make_context(count=3)
    assert choose_images.spread_over_classes(context, columns=3, rows=2).tolist() == [[0, 1, 2]] * 2


@pytest.mark.parametrize("pairs", [1, 4, 9])
def test_pairs_are_of_different_classes(make_context, pairs):
    context = make_context()
    chosen = choose_images.pairs_across_classes(context, pairs)
    assert chosen.shape == (pairs, 2)
    first, second = context.split.labels[chosen].T
    assert (first != second).all()


def test_interpolations_run_from_one_posterior_mean_to_the_other(make_context, sheet_of):
    context = make_context()
    array = sheet_of(Interpolations(pairs=1, steps=3).draw(context))
    first, last = context.split.images[choose_images.pairs_across_classes(context, 1)[0]]
    np.testing.assert_allclose(array[:, :EDGE], first[0].numpy() / 255, atol=1e-6)
    np.testing.assert_allclose(array[:, -EDGE:], last[0].numpy() / 255, atol=1e-6)
    middle = context.model.encode(torch.stack([first, last])).mean(0, keepdim=True)
    left = (array.shape[1] - EDGE) // 2
    expected = context.model.decode(middle)[0, 0].numpy()
    np.testing.assert_allclose(array[:, left : left + EDGE], expected, atol=1e-6)


def test_a_line_includes_both_ends():
    a, b = torch.tensor([[0.0, 4.0]]), torch.tensor([[1.0, 0.0]])
    assert line(a, b, 3).tolist() == [[0, 4], [0.5, 2], [1, 0]]


def test_the_plane_is_spaced_by_the_inverse_gaussian_cdf():
    shares = (torch.arange(20, dtype=torch.float64) + 0.5) / 20
    torch.testing.assert_close(quantiles(20).double(), torch.special.ndtri(shares))
    z = plane(20, 4, across=3, up=1).view(20, 20, 4)
    torch.testing.assert_close(z[7, :, 3], quantiles(20))
    torch.testing.assert_close(z[:, 5, 1], quantiles(20).flip(0))
    assert (z[:, :, [0, 2]] == 0).all()


def test_the_manifold_takes_the_two_latents_that_carry_most(make_context, sheet_of):
    context = make_context(latent=4, scales=[0.5, 3.0, 0.0, 2.0])
    figure = Manifold(n=3).draw(context)
    assert "plane of z1 and z3" in figure.texts[0].get_text()
    expected = context.model.decode(plane(3, 4, across=1, up=3))[:, 0].numpy()
    np.testing.assert_allclose(sheet_of(figure)[EDGE : 2 * EDGE, :EDGE], expected[3], atol=1e-6)


def test_the_manifold_of_one_latent_is_a_row(make_context, sheet_of):
    assert sheet_of(Manifold(n=7).draw(make_context(latent=1))).shape == (EDGE, 7 * EDGE)


def test_traversals_are_ordered_by_the_kl_of_the_dimensions(make_context, texts_of, sheet_of):
    scales = [5.0, 30.0, 0.0, 20.0]
    context = make_context(latent=4, scales=scales)
    mean_pixels = (context.split.images.double() / 255).mean((1, 2, 3))
    kl = 0.5 * torch.tensor(scales).double() ** 2 * (mean_pixels**2).mean()
    latents = measure(context)
    np.testing.assert_allclose(latents.carried, kl.numpy(), rtol=1e-5)

    figure = Traversals(steps=3).draw(context)
    written = texts_of(figure)
    assert [text for text in written if text in ("z0", "z1", "z2", "z3")] == [
        "z1",
        "z3",
        "z0",
        "z2",
    ]
    assert f"{kl[1]:.2f} nats" in written
    z = torch.zeros(1, 4)
    z[0, 1] = 3.0
    expected = context.model.decode(z)[0, 0].numpy()
    np.testing.assert_allclose(cell(sheet_of(figure), 0, 2), expected, atol=1e-6)


def test_unused_dimensions_are_faded_and_labeled(make_context, texts_of, sheet_of):
    figure = Traversals(steps=2).draw(make_context(latent=2, scales=[40.0, 0.0]))
    assert "0.00, unused" in texts_of(figure)
    array = sheet_of(figure)
    assert cell(array, 0, 0).min() < 0.6 < 0.65 <= cell(array, 1, 0).min()


def test_traversals_show_no_more_rows_than_asked(make_context, sheet_of):
    array = sheet_of(Traversals(steps=4, rows=3).draw(make_context(latent=12)))
    assert array.shape == (3 * EDGE + 2 * GAP, 4 * EDGE + 3 * GAP)


def test_traversals_keep_the_posterior_mean_of_an_image(make_context):
    origin = torch.tensor([7.0, 8.0])
    z = paths(origin, [1, 0], torch.tensor([-1.0, 1.0]))
    assert z.tolist() == [[7, -1], [7, 1], [-1, 8], [1, 8]]
    with pytest.raises(ValueError, match="image 60, but test has 60"):
        Traversals(image=60).draw(make_context())


def test_variance_of_means_replaces_a_kl_without_closed_form(make_context, monkeypatch):
    context = make_context(latent=2, scales=[1.0, 2.0])
    monkeypatch.setattr(context.model.prior, "kl", lambda posterior: None)
    latents = measure(context)
    assert latents.unit == "variance"
    np.testing.assert_allclose(latents.carried, latents.means.var(0), rtol=1e-4)
    assert LatentScatter().draw(context)
