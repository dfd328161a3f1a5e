"""A target that the zoo's entry betters is to be explained by the spec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.zoo.parts import TARGET
from vaezoo.zoo.unexplained_targets import unexplained

BETTER = {**TARGET, "figure": -100.0, "verdict": "better"}


def said(publisher: Any, recorded: Any, name: str = "tiny", **changes: Any) -> list[str]:
    publisher(targets=[recorded])
    target = {key: TARGET[key] for key in ("metric", "value", "tolerance", "source")} | changes
    ignore = target.pop("ignore", [])
    spec = publisher.spec(name=name, targets=[target], ignore=ignore)
    found = unexplained(spec, None)
    assert all((one.code, one.severity) == ("VZ416", "warning") for one in found)
    return [one.message for one in found]


def test_a_better_figure_without_a_note_is_a_warning(publisher: Any) -> None:
    assert said(publisher, BETTER) == [
        "test/elbo is not reproduced: better by 5.59 in the zoo (-100.00), and the target does "
        "not say why"
    ]


@pytest.mark.parametrize(
    ("recorded", "changes"),
    [
        (TARGET, {}),
        ({**BETTER, "figure": -110.0, "verdict": "worse"}, {}),
        (BETTER, {"note": "The source averages over other images."}),
        (BETTER, {"value": -100.2}),  # the spec has another target now
        (BETTER, {"ignore": ["VZ416"]}),
        (BETTER, {"name": "another"}),
    ],
)
def test_other_targets_are_not_checked(publisher: Any, recorded: Any, changes: Any) -> None:
    assert said(publisher, recorded, **changes) == []


def test_a_damaged_entry_asks_nothing(publisher: Any) -> None:
    entry = publisher(targets=[BETTER])
    (entry.path / "metrics.json").write_text("{")
    spec = publisher.spec(
        targets=[{"metric": "test/elbo", "value": -105.59, "tolerance": 0.6, "source": "a paper"}]
    )
    assert unexplained(spec, None) == []
