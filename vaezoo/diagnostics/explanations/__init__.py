"""What each diagnostic code means: the words behind ``vaezoo explain`` and ``docs/errors.md``.

Everything here is data. The titles stand in ``vaezoo.diagnostics.CODES``, since every finding
needs them; the rest is imported when somebody asks.
"""

from vaezoo.diagnostics.explanations.explanation import GROUPS, Example, Explanation
from vaezoo.diagnostics.explanations.lookup import explain, explanations

__all__ = ["GROUPS", "Example", "Explanation", "explain", "explanations"]
