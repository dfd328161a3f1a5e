"""Members of a matrix on a Ray cluster, as many at once as it has room for."""

from vaezoo.cluster.news import News
from vaezoo.cluster.sweep import Standing, Watcher, sweep_on_ray

__all__ = ["News", "Standing", "Watcher", "sweep_on_ray"]
