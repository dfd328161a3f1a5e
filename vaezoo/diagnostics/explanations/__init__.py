"""Explain diagnostic codes, for ``vaezoo explain`` and ``docs/errors.md``.

The titles are in ``vaezoo.diagnostics.CODES``, because every finding needs them. The texts are
read only when they are requested.
"""

from vaezoo.diagnostics.explanations.explanation import GROUPS, Example, Explanation
from vaezoo.diagnostics.explanations.lookup import explain, explanations

__all__ = ["GROUPS", "Example", "Explanation", "explain", "explanations"]
