"""Whether the run can go well, and early stopping can act."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.facts import Facts, highest
from vaezoo.spec.lint.remark import Remark

#: Batches below this are known to train badly; `vaezoo explain VZ415` has the figures.
SMALLEST_BATCH = 4


def large_step(facts: Facts) -> Iterator[Remark]:
    """VZ414: a learning rate that is known to fail with this optimizer."""
    optimizer = facts.spec.train.optimizer
    lr, bound = highest(optimizer.lr), facts.highest_lr
    if bound is not None and lr >= bound:
        yield Remark(
            "VZ414",
            f"training with {optimizer.use} is known to fail from a learning rate of {bound:g} "
            f"on, and this one reaches {lr:g}",
            ("train", "optimizer", "lr"),
            hint=f"stay below {bound:g}",
        )


def small_batch(facts: Facts) -> Iterator[Remark]:
    """VZ415: steps on so few images that they mostly follow noise."""
    size = facts.spec.train.batch_size
    if size < SMALLEST_BATCH:
        yield Remark(
            "VZ415",
            f"batches of {size} train slowly and end worse",
            ("train", "batch_size"),
            hint="64 or 128 images in a step suit most models",
        )


def long_patience(facts: Facts) -> Iterator[Remark]:
    """VZ419: the first epoch can be the best at the earliest, and the last one ends anyway."""
    train = facts.spec.train
    stopping = train.early_stopping
    if stopping and train.validation and stopping.patience >= train.epochs - 1:
        yield Remark(
            "VZ419",
            f"with a patience of {stopping.patience}, early stopping cannot end a run of "
            f"{train.epochs} epochs before its time",
            ("train", "early_stopping", "patience"),
            hint="lower the patience; as it is, only the best weights are kept",
        )
