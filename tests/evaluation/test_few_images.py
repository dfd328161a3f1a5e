"""A bound with many draws, estimated from a few images."""

from tests.components.linear_gaussian import context, exact_log_evidence, linear_gaussian
from tests.helpers import built_in
from vaezoo.evaluation.few_images import DRAWS, KnownELBO, bound_by_few

SAMPLES = 1000


def bound(samples=SAMPLES):
    return built_in("metric", "importance_weighted", samples=samples)


def test_it_comes_to_the_figure_of_all_images():
    model = linear_gaussian(posterior_variance=1.5)
    seen = context(model, 3000)
    exact = exact_log_evidence(model, seen.split.images).mean().item()
    metric = built_in("metric", "elbo", samples=50)
    elbo = KnownELBO(metric, "elbo", metric.compute(seen)[0].value)
    found = bound_by_few(bound(), "iw_bound", SAMPLES, seen, elbo)
    assert found.images == DRAWS // SAMPLES
    assert abs(found.value - exact) < 5 * found.error
    # that some images are brighter, and so less likely, is in the ELBO already
    alone = bound_by_few(bound(), "iw_bound", SAMPLES, seen, None)
    assert found.error < 0.7 * alone.error
    assert abs(alone.value - exact) < 5 * alone.error


def test_progress_counts_the_images_that_are_used():
    told: list[int] = []
    seen = context(linear_gaussian(), 400, advance=told.append)
    found = bound_by_few(bound(), "iw_bound", SAMPLES, seen, None)
    assert sum(told) == found.images == 200


def test_so_few_images_as_there_are_are_all_looked_at():
    seen = context(linear_gaussian(), 7)
    assert bound_by_few(bound(10), "iw_bound", 10, seen, None).images == 7
