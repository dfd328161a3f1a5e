"""An extension of griffe: fence the examples in docstrings, which begin with ``>>>``."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!$).*)*", re.MULTILINE)


class FencedExamples(griffe.Extension):
    """Turn each example into a block of Python that Markdown leaves alone."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class and function."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub("```python\n\\g<0>\n```", obj.docstring.value)
