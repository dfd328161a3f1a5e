"""Reports: what people hand in or attach, as HTML or PDF."""

from vaezoo.reports.write import report

__all__ = ["report"]
