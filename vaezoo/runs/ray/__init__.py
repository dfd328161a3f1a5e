"""Sweeps on a Ray cluster, with as many members at once as it has resources for."""

from vaezoo.runs.ray.ray_sweep import MemberProgress, SweepObserver, sweep_on_ray
from vaezoo.runs.ray.status import Status

__all__ = ["MemberProgress", "Status", "SweepObserver", "sweep_on_ray"]
