"""Find the weights that a spec starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.registry.run_notes import started_on_other_images
from vaezoo.runs.read_spec import existing_zoo
from vaezoo.spec.spec import Spec

if TYPE_CHECKING:
    from vaezoo.model.starting_weights import StartingWeights


def starting_weights(spec: Spec, zoo: str | Path | None) -> StartingWeights | None:
    """The weights that ``start_from`` names, checked against the spec's model; None without it.

    Raises UsageError (VZ501) where there is no such entry or file, ZooError (VZ502) for a damaged
    one, SpecError (VZ402) for weights that do not fit.
    """
    if spec.start_from is None:
        return None
    from vaezoo.model import build
    from vaezoo.model.starting_weights import StartingWeights
    from vaezoo.model.vae import PARTS
    from vaezoo.system import safetensors_io
    from vaezoo.zoo import find

    entry = find(spec.start_from.entry, zoo=existing_zoo(zoo))
    tensors = entry.tensors()
    weights = StartingWeights(
        entry.recorded_name,
        safetensors_io.digest(tensors),
        tensors,
        spec.start_from.parts or tuple(PARTS),
        (entry.lock["dataset"]["use"], entry.lock["dataset"]["digest"]),
    )
    weights.load_into(build(spec))
    return weights


def start_notes(start: StartingWeights | None, spec: Spec, digest: str) -> list[str]:
    """A note if the weights come from another division of the same dataset.

    ``digest`` is that of the spec's data. Another dataset is the purpose of fine-tuning.
    """
    if start is None or start.dataset[0] != spec.dataset.use or start.dataset[1] == digest:
        return []
    return [started_on_other_images(start.name, spec.dataset.use)]
