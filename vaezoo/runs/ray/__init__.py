"""Members of a matrix on a Ray cluster, as many at once as it has room for."""

from vaezoo.runs.ray.ray_sweep import Standing, Watcher, sweep_on_ray
from vaezoo.runs.ray.status import Status

__all__ = ["Standing", "Status", "Watcher", "sweep_on_ray"]
