"""The layout of grids of images; does not import torch."""

from __future__ import annotations

import math


def grid_columns(count: int) -> int:
    """A number of columns for ``count`` images, with a full last row where possible."""
    ideal = math.sqrt(count * 1.6)  # a little wider than tall
    full = [n for n in range(1, count + 1) if count % n == 0 and ideal / 1.5 <= n <= ideal * 1.5]
    return min(full, key=lambda n: abs(math.log(n / ideal)), default=math.ceil(ideal))
