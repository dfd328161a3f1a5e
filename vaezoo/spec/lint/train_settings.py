"""Check the learning rate, the batch size and early stopping."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts, highest


def large_step(facts: SpecFacts) -> Iterator[Remark]:
    """VZ414: a learning rate too high for any batch size."""
    optimizer, bound = facts.spec.train.optimizer, facts.highest_lr_of_large_batches
    lr = highest(optimizer.lr)
    if bound is not None and lr >= bound:
        yield Remark(
            "VZ414",
            f"{optimizer.use} is known to fail at learning rates of {bound:.3g} and above, and "
            f"this one reaches {lr:.3g}",
            ("train", "optimizer", "lr"),
            hint=f"stay well below {bound:.3g}",
        )


def small_batch(facts: SpecFacts) -> Iterator[Remark]:
    """VZ415: batches too small for a learning rate that works with larger ones."""
    plan, bound, other = facts.spec.train, facts.highest_lr, facts.highest_lr_of_large_batches
    lr = highest(plan.optimizer.lr)
    if bound is not None and bound <= lr and not (other is not None and other <= lr):
        yield Remark(
            "VZ415",
            f"batches of {plan.batch_size} are too small for {plan.optimizer.use} at a learning "
            f"rate of {lr:.3g}: with them it is known to fail at {bound:.3g} and above",
            ("train", "batch_size"),
            hint="use larger batches or a lower learning rate, or set train.gradient_clip",
        )


def long_patience(facts: SpecFacts) -> Iterator[Remark]:
    """VZ419: early stopping cannot act: the best epoch is at least the first one."""
    train = facts.spec.train
    stopping = train.early_stopping
    if stopping and train.validation and stopping.patience >= train.epochs - 1:
        yield Remark(
            "VZ419",
            f"with a patience of {stopping.patience}, early stopping never shortens a run of "
            f"{train.epochs} epochs",
            ("train", "early_stopping", "patience"),
            hint="lower the patience; as written, early stopping only selects the best weights",
        )
