"""Findings in the formats that people, editors and CI systems read.

>>> from vaezoo.diagnostics.output import formatted
>>> print(formatted(vaezoo.survey("specs"), "sarif"))

One file a format; each has ``report(report, root)``, which gives the whole text.
"""

from vaezoo.diagnostics.output.formats import FORMATS, formatted
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.output.text import render

__all__ = ["FORMATS", "Report", "formatted", "render"]
