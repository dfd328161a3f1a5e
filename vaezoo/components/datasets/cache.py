"""Where unpacked and downloaded data is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$VAEZOO_CACHE``, or the user's cache folder of the system. It need not exist yet."""
    chosen = os.environ.get("VAEZOO_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("vaezoo", appauthor=False))
