"""``verify``: run all checks of an entry, cheap ones first."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DiagnosticWarning, VaezooError, ZooError
from vaezoo.evaluation.evaluate_entry import Advance, Announce
from vaezoo.evaluation.verify import entry_files
from vaezoo.evaluation.verify.compare_figures import Recomputed, recompute, wording
from vaezoo.evaluation.verify.verdict import Check, Verdict, one_line
from vaezoo.registry import EpochRecord, Registry, TargetResult, discover
from vaezoo.registry.verdicts import in_words_with_note, is_upheld
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry import damaged
from vaezoo.zoo.entry_data import load_images, load_model
from vaezoo.zoo.entry_tables import counted

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import ImageData
    from vaezoo.spec.spec import Spec


#: Attempts to verify an entry that is being replaced.
_ATTEMPTS = 3


def verify(
    name: str | Path,
    *,
    samples: int | None = None,
    key: Path | None = None,
    zoo: str | Path | None = None,
    device: str = "cpu",
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
    announce: Announce = lambda metric, examples: None,
    advance: Advance = lambda examples: None,
) -> Verdict:
    """Check that an entry is consistent: ``vaezoo.verify("mnist_mlp20").passed``.

    Checks the files against the manifest, the digest of the weights, lock, plugins, spec, dataset
    and records; recomputes every recorded figure and judges the targets. Figures are not computed
    if a file was changed. ``samples`` limits the draws of z, which is faster and less accurate; a
    bound that rises with them is estimated from a few images. ``key`` is the file of a minisign
    public key that must have signed the entry. ``overrides`` are ``dataset.KEY=VALUE`` texts that
    locate the data.

    Raises UsageError (VZ501) for an unknown entry, ZooError (VZ502) for one that was replaced
    repeatedly. Other problems are in the verdict.
    """
    registry = registry or discover()
    for _ in range(_ATTEMPTS):
        entry = find(name, zoo=zoo)
        before = entry.number()
        steps = _checks(entry, samples, key, device, registry, overrides, announce, advance)
        try:
            verdict = Verdict(entry.name, entry.path, tuple(steps))
        except ZooError:  # the entry was removed or replaced during a check
            if before is not None and before == entry.number():
                raise
            continue
        if verdict.passed or before == entry.number():
            return verdict
    hint = "verify it when no run publishes it"
    raise damaged(f"{entry.path} was replaced each time while it was verified", hint)


def _checks(
    entry: Entry,
    samples: int | None,
    key: Path | None,
    device: str,
    registry: Registry,
    overrides: Sequence[str],
    announce: Announce,
    advance: Advance,
) -> Iterator[Check]:
    """All possible checks; a failed one may prevent later ones."""
    seal = list(entry_files.sealed(entry))
    yield from seal
    yield from entry_files.signed(entry, key)
    if any(check.passed is False for check in seal):
        yield Check("figures", None, "not recomputed: files were changed after publishing")
        return
    try:
        model = load_model(entry, registry, device, overrides)
        recorded, history = entry.metrics, entry.history
    except VaezooError as error:
        yield Check("weights and lock", False, one_line(error))
        return
    yield Check("weights", True, f"the tensors have the digest {entry.header['digest'][:12]}")
    yield lock_check(entry, model.spec, registry)
    data, found = _dataset(entry, model, registry)
    yield found
    yield from entry_files.records(entry, model.spec, data)
    if data is None:
        yield Check("figures", None, "not recomputed: the images are not available")
        return
    recomputed = recompute(
        model,
        data,
        recorded,
        samples=samples,
        same_device=entry.lock["device"]["type"] == model.device.type,
        registry=registry,
        announce=announce,
        advance=advance,
    )
    of_this_version = entry_files.is_of_this_version(entry)
    figures = []
    for one in recomputed:
        figures.append(one)
        yield wording(one, of_this_version) or one.check
    yield from _targets(model, history, figures)


def lock_check(entry: Entry, spec: Spec, registry: Registry) -> Check:
    """Whether the lock matches the spec. Changed code is listed; the figures judge it."""
    from vaezoo.zoo.lock import contradictions
    from vaezoo.zoo.plugin_drift import drift

    wrong = contradictions(entry.lock, spec, registry)
    if wrong:
        return Check("lock", False, "; ".join(wrong))
    changed = [finding.message for finding in drift(entry.lock, registry, entry.name)]
    return Check("lock", True, "; ".join(["it matches the spec", *changed]))


def _dataset(entry: Entry, model: VAE, registry: Registry) -> tuple[ImageData | None, Check]:
    recorded = entry.lock["dataset"]["digest"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiagnosticWarning)  # changed data fail this check
            data = load_images(entry, model)
    except VaezooError as error:
        return None, Check("dataset", False, f"it is not available: {one_line(error)}")
    if recorded == data.digest:
        return data, Check("dataset", True, f"digest {data.digest[:12]}, as in the lock")
    detail = f"the digest is {data.digest[:12]}, the lock has {recorded[:12]}"
    return data, Check("dataset", False, detail)


def _targets(
    model: VAE, history: Sequence[EpochRecord], figures: Sequence[Recomputed]
) -> Iterator[Check]:
    """The spec's targets judged by recomputed figures, or by confirmed recorded ones."""
    from vaezoo.evaluation import judge, kept_epoch

    kept = kept_epoch(model.spec, history)
    believed = [one.believed for one in figures if one.believed is not None]
    try:
        targets = judge(model.spec, believed, history[:kept])
    except VaezooError as error:
        yield Check("targets", False, one_line(error))
        return
    estimated = [one.recorded for one in figures if one.found is None and one.recorded]
    as_recorded = {f"{figure.split}/{figure.name}": figure for figure in estimated}
    for target in targets:
        bound = as_recorded.get(target["metric"])
        how = f" as recorded with {counted(bound.samples)}" if bound else ""
        yield Check(
            f"target {target['metric']}",
            is_upheld(target),
            f"{_verdict(target)}: {target['figure']:.2f}{how}, published {target['value']:g} ± "
            f"{target['tolerance']:g} ({target['source']})",
        )


def _verdict(target: TargetResult) -> str:
    """The verdict with its explanation, or a hint if it lacks one."""
    unexplained = target["verdict"] == "better" and not target["note"]
    hint = " (say why in a note of the spec's target)" if unexplained else ""
    return in_words_with_note(target) + hint
