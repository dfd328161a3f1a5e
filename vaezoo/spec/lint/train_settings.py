"""Whether the run can go well, and early stopping can act."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts, highest


def large_step(facts: SpecFacts) -> Iterator[Remark]:
    """VZ414: a learning rate that fails with batches of any size."""
    optimizer, bound = facts.spec.train.optimizer, facts.highest_lr_of_large_batches
    lr = highest(optimizer.lr)
    if bound is not None and lr >= bound:
        yield Remark(
            "VZ414",
            f"training with {optimizer.use} is known to fail from a learning rate of {bound:.3g} "
            f"on, and this one reaches {lr:.3g}",
            ("train", "optimizer", "lr"),
            hint=f"stay well below {bound:.3g}",
        )


def small_batch(facts: SpecFacts) -> Iterator[Remark]:
    """VZ415: batches too small for a learning rate that larger ones would bear."""
    plan, bound, other = facts.spec.train, facts.highest_lr, facts.highest_lr_of_large_batches
    lr = highest(plan.optimizer.lr)
    if bound is not None and bound <= lr and not (other is not None and other <= lr):
        yield Remark(
            "VZ415",
            f"batches of {plan.batch_size} are too small for {plan.optimizer.use} with a learning "
            f"rate of {lr:.3g}: with them it is known to fail from {bound:.3g} on",
            ("train", "batch_size"),
            hint="take larger batches or a lower learning rate, or set train.gradient_clip",
        )


def long_patience(facts: SpecFacts) -> Iterator[Remark]:
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
