"""Whether an entry is what it says: what ``vaezoo verify`` does."""

from vaezoo.verification.checks import Check, Verdict
from vaezoo.verification.steps import verify

__all__ = ["Check", "Verdict", "verify"]
