"""Choose images of a split to show."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.registry.contracts import EvaluationContext


def spread_over_classes(context: EvaluationContext, *, columns: int, rows: int) -> Tensor:
    """Indices (rows, columns) with one class per column, chosen by the seed.

    With more classes than columns the seed also chooses the classes. Images repeat only if a
    class has too few.
    """
    generator = torch.Generator().manual_seed(context.seed)
    if context.split.labels is None:
        return _drawn(torch.arange(len(context.split)), rows * columns, generator).view(
            rows, columns
        )
    labels = context.split.labels
    classes = _classes(labels)
    if len(classes) > columns:
        kept = torch.randperm(len(classes), generator=generator)[:columns]
        classes = classes[kept].sort().values
    chosen = torch.empty(rows, columns, dtype=torch.int64)
    for place, label in enumerate(classes):
        own = torch.arange(place, columns, len(classes))
        members = (labels == label).nonzero().squeeze(1)
        drawn = _drawn(members, rows * len(own), generator)
        chosen[:, own] = drawn.view(rows, len(own))
    return chosen


def pairs_across_classes(context: EvaluationContext, count: int) -> Tensor:
    """Indices (count, 2) of pairs, with different classes if there are at least two.

    Rotates through the classes, so that few pairs show many classes.
    """
    generator = torch.Generator().manual_seed(context.seed)
    if context.split.labels is None:
        return _drawn(torch.arange(len(context.split)), 2 * count, generator).view(count, 2)
    labels = context.split.labels
    classes = _classes(labels)
    if len(classes) == 1:
        return _drawn(torch.arange(len(labels)), 2 * count, generator).view(count, 2)
    pairs = []
    deck: list[int] = []
    for _ in range(count):
        if len(deck) < 2:
            shuffled = classes[torch.randperm(len(classes), generator=generator)].tolist()
            deck += [label for label in shuffled if label not in deck]
        members = [(labels == deck.pop(0)).nonzero().squeeze(1) for _ in range(2)]
        pairs.append(torch.cat([_drawn(own, 1, generator) for own in members]))
    return torch.stack(pairs)


def pairs_of_class(context: EvaluationContext, label: int, count: int) -> Tensor:
    """Indices (count, 2) of pairs of one class. Raises ValueError if the split has none of it."""
    assert context.split.labels is not None
    members = (context.split.labels == label).nonzero().squeeze(1)
    if not len(members):
        raise ValueError(f"the {context.split_name} split has no image of class {label}")
    generator = torch.Generator().manual_seed(context.seed)
    return _drawn(members, 2 * count, generator).view(count, 2)


def _classes(labels: Tensor) -> Tensor:
    return torch.tensor(sorted(set(labels.tolist())))


def _drawn(indices: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """``count`` indices in random order, each used once before any repeats."""
    order = indices[torch.randperm(len(indices), generator=generator)]
    return order.repeat(-(-count // len(order)))[:count]
