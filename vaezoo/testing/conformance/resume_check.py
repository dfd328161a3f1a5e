"""A stopped run of a spec resumes to the same bytes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vaezoo.registry import EpochRecord, ImageData
from vaezoo.spec.spec import Spec
from vaezoo.testing.conformance.outcome import require
from vaezoo.training import Observer, train


class _StopAfterOne(Observer):
    """Stops after the first epoch, as Ctrl-C does."""

    def finished_epoch(self, record: EpochRecord) -> None:
        raise KeyboardInterrupt


def require_exact_resume(spec: Spec, directory: Path, data: ImageData | None = None) -> None:
    """Train a spec at once, and once with a stop after the first epoch; the weights are equal.

    The spec has two epochs or more and small data, as ``small_spec`` gives, or ``data``. Raises
    Nonconforming.
    """
    images = data or spec.dataset.build()
    straight = _weights(spec, images, directory / "straight", Observer())
    try:
        _weights(spec, images, directory / "stopped", _StopAfterOne())
    except KeyboardInterrupt:
        pass
    else:
        require(False, "the spec has one epoch; give it two or more")
    resumed = _weights(spec, images, directory / "stopped", Observer())
    differ = [name for name, value in straight.items() if not torch.equal(value, resumed[name])]
    require(
        not differ,
        f"after a stop, {', '.join(differ)} differ: what training changes must be a parameter or a "
        "buffer that is saved, and random numbers must come from the generator that is given",
    )


def _weights(spec: Spec, data: ImageData, directory: Path, observer: Observer) -> dict[str, Tensor]:
    cpu = torch.device("cpu")
    trained = train(spec, data, device=cpu, directory=directory, observer=observer)
    return trained.model.state_dict()
