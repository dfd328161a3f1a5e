"""Verify that an entry is consistent, as ``vaezoo verify`` does."""

from vaezoo.evaluation.verify.checks import Check, Verdict
from vaezoo.evaluation.verify.steps import verify

__all__ = ["Check", "Verdict", "verify"]
