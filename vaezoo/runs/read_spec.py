"""Read the spec of a run and check it, without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vaezoo.diagnostics import DataError, Diagnostic, SpecError
from vaezoo.registry import Registry
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes, refuse_small_batches
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.spec_lookup import look_up, overridden


def read_spec(
    spec: str | Path | Spec,
    overrides: Sequence[str],
    zoo: str | Path | None,
    registry: Registry,
) -> Spec:
    """The spec with its overrides. Raises SpecError for one that cannot be used."""
    if isinstance(spec, Spec):
        return overridden(spec, overrides, registry)
    zoo = existing_zoo(zoo)
    return look_up(spec, overrides=overrides, zoo=zoo, registry=registry).only(spec)


def existing_zoo(zoo: str | Path | None) -> str | Path | None:
    """The zoo to publish to; None where it does not exist yet, so has no entry to look up."""
    return zoo if zoo is not None and os.path.isdir(own_folder(zoo)) else None


def check_spec(spec: Spec) -> Processes:
    """Check the data, the sampler and the batch size; the processes that train the spec.

    Raises DataError (VZ601) for missing data, SpecError (VZ402) for a sampler that cannot be
    fitted here, RunError (VZ609) for too many processes.
    """
    refuse_unavailable(spec)
    processes = Processes.of_environment()
    refuse_small_batches(processes, spec.train.batch_size)
    return processes


def refuse_unavailable(spec: Spec) -> None:
    """Raise DataError (VZ601) where the dataset knows that its data cannot be loaded, SpecError
    (VZ402) where the sampler knows that it cannot be fitted."""
    _refuse_missing_data(spec)
    if problem := spec.sampler.unavailable():
        message = f"the sampler {spec.sampler.use!r} cannot be fitted here: {problem}"
        hint = "install what is missing, or leave the sampler out to draw from the prior"
        raise SpecError(Diagnostic("VZ402", message, hint=hint))


def _refuse_missing_data(spec: Spec) -> None:
    problem = spec.dataset.problem()
    if problem:
        key = spec.dataset.location
        hint = "see the dataset's parameters in the spec"
        if key:
            hint = f"correct dataset.{key}, in the spec or with --set dataset.{key}=FOLDER"
        raise DataError(Diagnostic("VZ601", problem, hint=hint))
