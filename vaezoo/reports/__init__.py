"""Reports of entries as HTML or PDF."""

from vaezoo.plotting.draw import own_backend

with own_backend():  # Jupyter's backend, which may not be installed, keeps matplotlib from loading
    from vaezoo.reports.write import report

__all__ = ["report"]
