"""Specs: parse YAML text into ``Spec``, with positions for all findings."""

from vaezoo.diagnostics.output import Report
from vaezoo.spec.document import load_document, parse_document
from vaezoo.spec.nodes import Document
from vaezoo.spec.reader import expand, from_data, read
from vaezoo.spec.spec import Spec
from vaezoo.spec.validation import survey, validate

__all__ = [
    "Document",
    "Report",
    "Spec",
    "expand",
    "from_data",
    "load_document",
    "parse_document",
    "read",
    "survey",
    "validate",
]
