"""Whether an entry is what it says: what ``vaezoo verify`` does."""

from vaezoo.evaluation.verify.checks import Check, Verdict
from vaezoo.evaluation.verify.steps import verify

__all__ = ["Check", "Verdict", "verify"]
