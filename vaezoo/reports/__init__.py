"""Reports of entries as HTML or PDF."""

from vaezoo.reports.write import report

__all__ = ["report"]
