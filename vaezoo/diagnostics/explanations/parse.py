"""Parse the Markdown files in ``texts/``, one for each code.

# error VZ104            severity and code

What is wrong.

## What to do            advice
## Bad                   code blocks: other files with their names, then the example
## Good
"""

from __future__ import annotations

import re

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_HEADINGS = re.compile(r"^##? (.+)\n\n", re.MULTILINE)
_BLOCK = re.compile(r"^```\w+(?: (\S+))?\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def parse(text: str) -> Explanation:
    """The explanation in a Markdown file."""
    _, title, meaning, _, advice, _, bad, _, good = _HEADINGS.split(text)
    severity, code = title.split()
    return Explanation(
        code, meaning.strip("\n"), advice.strip(), _example(bad), _example(good), Severity(severity)
    )


def _example(section: str) -> Example:
    *others, (_, text) = _BLOCK.findall(section)
    return Example(text, dict(others))
