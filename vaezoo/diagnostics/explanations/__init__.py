"""What each diagnostic code means, for ``vaezoo explain`` and ``docs/errors.md``.

The explanations are Markdown files in ``texts/``. Titles are in ``vaezoo.diagnostics.CODES``,
because every finding needs them; the files are read on request.
"""

from vaezoo.diagnostics.explanations.explanation import GROUPS, Example, Explanation
from vaezoo.diagnostics.explanations.lookup import explain, explanations

__all__ = ["GROUPS", "Example", "Explanation", "explain", "explanations"]
