"""Findings in the formats that people, editors and CI systems read.

>>> from vaezoo.reporting import formatted
>>> print(formatted(vaezoo.survey("specs"), "sarif"))

One file a format; each has ``report(report, root)``, which gives the whole text.
"""

from vaezoo.reporting.formats import FORMATS, formatted
from vaezoo.reporting.report import Report
from vaezoo.reporting.text import render

__all__ = ["FORMATS", "Report", "formatted", "render"]
