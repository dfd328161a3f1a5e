"""Reports: what people hand in or attach, as HTML or PDF."""

from vaezoo.writeup.write import report

__all__ = ["report"]
