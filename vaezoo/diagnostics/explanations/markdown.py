"""Parse the explanation of a code: ``texts/VZ101.md`` and so on.

A file has the code and severity as its title, the meaning, and the sections "What to do", "Bad"
and "Good". The last code block of an example is the example itself. The blocks before it are
other files that it needs, with the file name as a comment in the first line.
"""

from __future__ import annotations

import re
from importlib import resources

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_PAGE = re.compile(
    r"# (?P<code>VZ\d+) \((?P<severity>\w+)\)\n\n(?P<meaning>.+)"
    r"\n\n## What to do\n\n(?P<advice>.+)\n\n## Bad\n\n(?P<bad>.+)\n\n## Good\n\n(?P<good>.+)\n",
    re.DOTALL,
)
_CODE_BLOCK = re.compile(r"^```\w+\n(.+?)\n```$", re.DOTALL | re.MULTILINE)


def load(code: str) -> Explanation:
    """The explanation of a code in ``CODES``."""
    file = resources.files("vaezoo.diagnostics.explanations") / "texts" / f"{code}.md"
    page = _PAGE.fullmatch(file.read_text("utf-8"))
    if page is None:
        raise ValueError(f"{file} has not the sections of an explanation")
    return Explanation(
        code=page["code"],
        severity=Severity(page["severity"]),
        meaning=page["meaning"],
        advice=" ".join(page["advice"].split()),
        bad=_example(page["bad"]),
        good=_example(page["good"]),
    )


def _example(section: str) -> Example:
    *files, text = _CODE_BLOCK.findall(section)
    named = (block.partition("\n") for block in files)
    return Example(text, {name.removeprefix("# "): content for name, _, content in named})
