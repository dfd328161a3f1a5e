"""Verify that an entry is consistent, as ``vaezoo verify`` does."""

from vaezoo.evaluation.verify.verdict import Check, Verdict
from vaezoo.evaluation.verify.verify_entry import verify

__all__ = ["Check", "Verdict", "verify"]
