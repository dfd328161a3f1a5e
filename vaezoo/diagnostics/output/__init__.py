"""Output formats of findings, for people, editors and CI systems.

>>> from vaezoo.diagnostics.output import formatted
>>> print(formatted(vaezoo.survey("specs"), "sarif"))

Each format is a module with ``report(report, root)``, which returns the text.
"""

from vaezoo.diagnostics.output.formats import FORMATS, formatted
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.output.text import render

__all__ = ["FORMATS", "Report", "formatted", "render"]
