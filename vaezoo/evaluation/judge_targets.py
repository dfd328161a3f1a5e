"""Compare the figures of a trained model with its targets, and say what stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vaezoo.diagnostics import Diagnostic, SpecError, suggest
from vaezoo.registry import EpochRecord, Figure, TargetResult
from vaezoo.registry.active_latents import UNUSED_BELOW, unused_latents
from vaezoo.registry.verdicts import from_record, in_words
from vaezoo.spec.declared_figures import quantity_of
from vaezoo.spec.spec import Spec


def judge(
    spec: Spec, figures: Sequence[Figure], history: Sequence[EpochRecord]
) -> list[TargetResult]:
    """Compare each target of the spec with its figure.

    ``train/…`` and ``validation/…`` come from the last record of ``history``, which must be the
    epoch of the kept weights; ``train/…`` are running means over that epoch. Other targets are
    compared with ``figures``. Raises SpecError (VZ402) for a target without a figure.
    """
    known = {f"{figure.split}/{figure.name}": figure.value for figure in figures}
    recorded = {f"{figure.split}/{figure.name}": figure.about for figure in figures}
    if history:
        last = history[-1]
        known |= {f"train/{name}": value for name, value in last.train.items()}
        known |= {f"validation/{name}": value for name, value in (last.validation or {}).items()}
    results = []
    for target in spec.targets:
        if target.metric not in known:
            raise SpecError(
                Diagnostic(
                    "VZ402",
                    f"this run has no figure for the target {target.metric!r}",
                    hint=suggest(target.metric, list(known), "figures"),
                )
            )
        figure = known[target.metric]
        about = quantity_of(target.metric, spec) or recorded.get(target.metric)
        results.append(
            from_record(
                metric=target.metric,
                value=target.value,
                tolerance=target.tolerance,
                source=target.source,
                figure=figure,
                better=about.better if about else "neither",
                note=target.note or "",
            )
        )
    return results


def kept_epoch(spec: Spec, history: Sequence[EpochRecord]) -> int:
    """The epoch of the kept weights: with early stopping, that of the best ELBO."""
    from vaezoo.spec.early_stopping import outcome

    return outcome(spec.train, history).best_epoch or len(history)


def concluded(
    spec: Spec, figures: Sequence[Figure], history: Sequence[EpochRecord]
) -> tuple[tuple[TargetResult, ...], tuple[str, ...]]:
    """The targets and notes for a model's figures. Raises what ``judge`` raises."""
    kept = kept_epoch(spec, history)
    targets = judge(spec, figures, history[:kept])
    return tuple(targets), tuple(observations(spec, figures, targets, kept))


#: The most latent dimensions that a sentence lists.
_MAX_NAMED = 20


def observations(
    spec: Spec,
    figures: Sequence[Figure],
    targets: Sequence[TargetResult],
    kept_epoch: int,
) -> list[str]:
    """Notes on the figures, as sentences."""
    found = [
        f"the figure {figure.split}/{figure.name} is {figure.value}"
        for figure in figures
        if not math.isfinite(figure.value)
    ]
    unused = unused_latents(figures)
    if unused:
        names = named_latents(unused, spec.model.latent_size)
        found.append(
            f"{len(unused)} of {spec.model.latent_size} latent dimensions ended unused"
            f"{f': {names}' if names else ''} "
            f"(less than {UNUSED_BELOW} nats of KL on the test images)"
        )
    for target in targets:
        if target["verdict"] != "reproduced":
            found.append(
                f"the target {target['metric']} {target['value']} ± {target['tolerance']} is "
                f"{in_words(target)} ({target['figure']:.2f} here){_explained(target)}"
            )
    if spec.train.early_stopping:
        found.append(f"the weights are those of epoch {kept_epoch}, the best validation ELBO")
    return found


def _explained(target: TargetResult) -> str:
    """The spec's note, or a request for one."""
    if target["note"]:
        return f". {target['note']}"
    if target["verdict"] == "better":
        return "; say why in a note of the spec's target"
    return ""


def named_latents(chosen: Sequence[int], latent: int) -> str:
    """``z1, z4``, or ``all but z0`` if shorter; empty if both are long."""
    others = [index for index in range(latent) if index not in chosen]
    lead, shorter = ("all but ", others) if 0 < len(others) < len(chosen) else ("", chosen)
    if len(shorter) > _MAX_NAMED:
        return ""
    return lead + ", ".join(f"z{index}" for index in shorter)
