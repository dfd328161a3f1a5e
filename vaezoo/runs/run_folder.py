"""The folders of runs."""

from __future__ import annotations

from pathlib import Path

from vaezoo.spec.spec import Spec

#: Where runs keep their checkpoints until their entry is published.
RUNS = Path("runs")


def run_folder(spec: Spec) -> Path:
    """The folder of a spec's checkpoint."""
    return RUNS / f"{spec.name}-{spec.training_digest()[:8]}"
