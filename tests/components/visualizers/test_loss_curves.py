import dataclasses
from typing import Any

import pytest

from vaezoo.components.visualizers.loss_curves import limits, panels_of
from vaezoo.components.visualizers.visualizers import LossCurves


def test_the_objective_is_the_elbo_where_beta_is_one(make_record):
    panels = panels_of([make_record(epoch) for epoch in range(1, 4)])
    assert [panel.title for panel in panels] == [
        "objective = −ELBO",
        "reconstruction, −log p(x|z)",
        "KL to the prior",
    ]
    assert list(panels[0].series) == ["train", "validation"]


def test_an_objective_other_than_the_elbo_is_plotted_too(make_record):
    panels = panels_of([make_record(epoch, beta=4.0) for epoch in range(1, 4)])
    assert [panel.title for panel in panels][:2] == ["objective", "−ELBO"]
    assert len(panels) == 4
    assert panels[1].series["train"][0] == pytest.approx((1, 306.01))


def test_what_changes_on_schedule_has_a_panel(make_record):
    history = [
        make_record(epoch, beta=min(1.0, epoch / 3), learning_rate=10.0**-epoch)
        for epoch in range(1, 6)
    ]
    *_, beta, rate = panels_of(history)
    assert beta.title == "β"
    assert not beta.logarithmic
    assert rate.title == "learning rate"
    assert rate.logarithmic


def test_the_first_epoch_does_not_squash_the_others():
    falling = [(epoch, 200 + (100 if epoch == 1 else 10 - epoch)) for epoch in range(1, 11)]
    low, high = limits({"train": falling})
    assert low < 200 <= high < 210
    gentle = [(epoch, 20.0 - epoch) for epoch in range(1, 11)]
    low, high = limits({"train": gentle})
    assert low < 10
    assert high > 19


@pytest.mark.parametrize("epochs", [1, 2, 30, 200])
@pytest.mark.parametrize("validation", [True, False])
def test_any_length_of_history_is_drawn(make_context, make_record, epochs, validation):
    history = tuple(make_record(e, validation=validation) for e in range(1, epochs + 1))
    figure = LossCurves().draw(dataclasses.replace(make_context(), history=history))
    assert len(figure.axes) == 3
    lines: list[Any] = list(figure.axes[0].get_lines())
    assert [len(line.get_xdata()) for line in lines] == [epochs] * (1 + validation)


def test_epochs_without_validation_are_left_out(make_record):
    history = [make_record(epoch, validation=epoch % 2 == 0) for epoch in range(1, 6)]
    series = panels_of(history)[0].series
    assert [epoch for epoch, _ in series["validation"]] == [2, 4]


def test_a_model_without_history_says_so(make_context):
    figure = LossCurves().draw(make_context(epochs=0))
    assert figure.texts[1].get_text() == "this model has no training history"
