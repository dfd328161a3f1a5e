"""The class that a picture of a conditional model is drawn for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaezoo.components.visualizers import page_style
from vaezoo.model.condition import as_labels
from vaezoo.registry.contracts import EvaluationContext


@dataclass(frozen=True)
class ChosenClass:
    """A label, and the words that a title adds; None and no words without a condition."""

    label: int | None
    words: str


def chosen_class(context: EvaluationContext, label: int | str | None) -> ChosenClass:
    """The class with this name or number, by default the first."""
    condition = context.model.condition
    if condition is None:
        return ChosenClass(None, "")
    given = 0 if label is None else label
    number = int(as_labels(given, condition, 1, torch.device("cpu")))
    return ChosenClass(number, f", class {page_style.class_name(context, number)}")
