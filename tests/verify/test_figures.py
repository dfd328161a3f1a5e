"""How recorded figures are taken again."""

from __future__ import annotations

import pytest

import vaezoo
from tests.helpers import built_in
from vaezoo.evaluation.evaluate_entry import compute_figures, context_of
from vaezoo.evaluation.verify.compare_figures import _agree, recompute
from vaezoo.registry import Metrics, discover


def test_a_figure_of_few_images_is_taken_again_and_not_estimated_by_others() -> None:
    """Other images than the recorded ones would give another figure."""
    registry, model = discover(), vaezoo.load("mnist_mlp20")
    few = built_in("metric", "amortisation_gap", images=8, steps=9, samples=300)
    model.spec = model.spec.model_copy(update={"metrics": (few,)})
    data = model.spec.dataset.build()
    recorded = Metrics(tuple(compute_figures([few], context_of(model, data, "test"))), (), ())
    taken = recompute(
        model,
        data,
        recorded,
        samples=1,
        same_device=True,
        registry=registry,
        announce=lambda metric, examples: None,
        advance=lambda examples: None,
    )
    details = [one.check.detail for one in taken if one.check.passed]
    assert len(details) == 2
    assert all("(300 samples)" in detail and ", 0 apart" in detail for detail in details)


@pytest.mark.parametrize(
    ("error", "other", "draws", "agrees"),
    [
        (0.1, 0.1, 1.0, True),
        (0.2, 0.1, 1.0, False),
        (0.25, 0.1, 10.0, True),  # a tenth of the draws: at most √10 times the error
        (0.4, 0.1, 10.0, False),
        (0.05, 0.1, 10.0, False),  # fewer draws never give a smaller error
        (0.05, 0.1, 0.1, True),
    ],
)
def test_a_standard_error_of_other_draws(
    error: float, other: float, draws: float, agrees: bool
) -> None:
    assert _agree(error, other, 0.05, draws) is agrees
