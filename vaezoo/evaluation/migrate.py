"""Migrate an entry of an older version to the current format, without training."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import Diagnostic, DiagnosticWarning, UsageError, ZooError
from vaezoo.evaluation.evaluate_entry import Advance, Announce, compute_figures, context_of
from vaezoo.evaluation.verify import Check, entry_files
from vaezoo.evaluation.verify.compare_figures import Recomputed, recompute
from vaezoo.evaluation.verify.verify_entry import lock_check
from vaezoo.registry import Figure, Registry, discover
from vaezoo.registry.run_notes import of_pictures, of_training
from vaezoo.spec.declared_figures import names_of
from vaezoo.system import safetensors_io
from vaezoo.zoo import Entry, find
from vaezoo.zoo.add_metrics import with_figures
from vaezoo.zoo.lock import require_plugins, with_check
from vaezoo.zoo.publish import keep_away, publish
from vaezoo.zoo.search import words_for, zoo_option
from vaezoo.zoo.write_lock import complete_interrupted
from vaezoo.zoo.zoo_folders import home_of

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.registry import ImageData
    from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class Migrated:
    """A migrated entry; ``changed`` is False if it was up to date and nothing was computed.

    The numbers of figures: ``taken`` were recomputed, ``estimated`` from a few images, ``added``
    are new.
    """

    entry: Entry
    changed: bool
    taken: int = 0
    estimated: int = 0
    added: int = 0


def migrate(
    name: str | Path,
    *,
    spec: Path | None = None,
    samples: int | None = None,
    zoo: str | Path | None = None,
    device: str = "cpu",
    registry: Registry | None = None,
    announce: Announce = lambda metric, examples: None,
    advance: Advance = lambda examples: None,
) -> Migrated:
    """Rewrite an entry in the current format, with the same weights and figures.

    Every recorded figure is recomputed, as in ``verify``, and must agree. The lock then names the
    code that recomputed it as well as the code that trained the model. Targets, notes, card,
    header and manifest are rewritten. ``spec`` is a file with a new name, summary, metrics,
    visualizers or targets; it must train the same weights. The old entry becomes a predecessor.

    Raises UsageError (VZ501) for an unknown entry and (VZ506) for a spec that trains other
    weights, ZooError (VZ502) for an inconsistent entry, and (VZ503) for an unwritable zoo.
    """
    from vaezoo.data.loading import load

    registry = registry or discover()
    complete_interrupted(home_of(find(name, zoo=zoo)).parent)
    entry = find(name, zoo=zoo)
    if home_of(entry) != Path(os.path.abspath(entry.path)):
        option = zoo_option(home_of(entry).parent)
        hint = f"restore it with 'vaezoo zoo restore {entry.name}{option}'"
        raise _refused(f"{entry.path} is a replaced entry", hint)
    if entry.stands_alone:
        raise _refused(f"{entry.path} is only a weights file", "give an entry's folder or name")
    _require(entry_files.sealed(entry), entry)
    require_plugins(entry.lock, registry, entry.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)  # changed code is tested below
        trained = entry.load(registry, device)
    before, wanted = trained.spec, _wanted(trained.spec, spec, registry)
    _require([lock_check(entry, before, registry)], entry)
    if before.canonical() == wanted.canonical() and _is_up_to_date(entry, before, registry):
        return Migrated(entry, changed=False)
    _require_free(entry, wanted.name)
    data = load(wanted.dataset)
    _require_same_data(entry, data)
    model = _rebuilt(trained, wanted)
    added = _new_figures(model, before, data, entry.metrics.figures, announce, advance)
    recorded = dataclasses.replace(
        entry.metrics, figures=with_figures(entry.metrics.figures, added)
    )
    recomputed = list(
        recompute(
            model,
            data,
            recorded,
            samples=samples,
            same_device=entry.lock["device"]["type"] == model.device.type,
            registry=registry,
            announce=announce,
            advance=advance,
        )
    )
    fresh = {f"{figure.split}/{figure.name}" for figure in added}
    _require((one.check for one in recomputed if one.check.what not in fresh), entry)
    _require([entry_files.history(wanted, entry.history)], entry)
    figures = _updated_figures(recorded.figures, recomputed)
    result = _published(entry, model, data, figures, registry)
    estimated = sum(one.found is None for one in recomputed)
    taken = sum(one.found is not None and one.check.what not in fresh for one in recomputed)
    return Migrated(result, True, taken, estimated, len(added))


def _wanted(before: Spec, path: Path | None, registry: Registry) -> Spec:
    """The spec to publish; it must train the same weights."""
    from vaezoo.spec import read
    from vaezoo.spec.difference import Effect, compare

    if path is None:
        return before
    wanted = read(path, registry=registry)
    differing = [
        change.path
        for change in compare(before, wanted).changes
        if change.effect is not Effect.COSMETIC or change.path.startswith("publish")
    ]
    if not differing:
        return wanted
    raise _refused(
        f"{path} would not train the weights of {before.name}: "
        f"{', '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}",
        f"train it with 'vaezoo run {path}'",
    )


def _is_up_to_date(entry: Entry, spec: Spec, registry: Registry) -> bool:
    """Whether cheap checks find nothing to migrate."""
    from vaezoo.evaluation.describe_figures import described
    from vaezoo.zoo.plugin_drift import drift

    if not entry.is_sealed or entry.path.name != entry.name:
        return False
    if any(drift(entry.lock, registry, entry.name)):
        return False
    recorded = list(entry.metrics.figures)
    if described(recorded, spec.metrics, spec) != recorded:
        return False
    return all(check.passed for check in entry_files.records(entry, spec, None))


def _require(checks: Iterator[Check] | Sequence[Check], entry: Entry) -> None:
    failed = [f"{check.what}: {check.detail}" for check in checks if check.passed is False]
    if failed:
        raise ZooError(
            Diagnostic(
                "VZ502",
                f"{entry.name} is inconsistent: {'; '.join(failed)}",
                hint=f"see 'vaezoo verify {words_for(entry)}'; download it again, or train it "
                "again",
            )
        )


def _require_same_data(entry: Entry, data: ImageData) -> None:
    recorded = entry.lock["dataset"]["digest"]
    if recorded != data.digest:
        detail = f"the digest is {data.digest[:12]}, the lock has {recorded[:12]}"
        _require([Check("dataset", False, detail)], entry)


def _require_free(entry: Entry, name: str) -> None:
    """Raise UsageError (VZ506) if another entry has the new name."""
    place = entry.path.parent / name
    if os.path.lexists(place) and not os.path.samefile(place, entry.path):
        raise _refused(f"{place} is another entry", "remove it, or choose another name")


def _refused(message: str, hint: str) -> UsageError:
    return UsageError(Diagnostic("VZ506", message, hint=hint))


def _rebuilt(trained: VAE, spec: Spec) -> VAE:
    """A model of the spec with the same weights."""
    from vaezoo.model import attach_players, attach_sampler, build

    model = build(spec, condition=trained.condition)
    attach_players(model)
    if trained.sampler is not None:
        attach_sampler(model)
    model.load_state_dict(trained.state_dict())
    return model.to(trained.device).eval()


def _new_figures(
    model: VAE,
    before: Spec,
    data: ImageData,
    recorded: Sequence[Figure],
    announce: Announce,
    advance: Advance,
) -> list[Figure]:
    """The figures of new metrics, and figures that the entry lacks."""
    known = {figure.name for figure in recorded if figure.split == "test"}
    former = [metric.to_spec() for metric in before.metrics]
    new = [
        metric
        for metric in model.spec.metrics
        if metric.to_spec() not in former or not known.issuperset(names_of(type(metric)))
    ]
    found = compute_figures(new, context_of(model, data, "test", advance), announce) if new else []
    changed = {name for m in new if m.to_spec() not in former for name in names_of(type(m))}
    return [figure for figure in found if figure.name not in known or figure.name in changed]


def _updated_figures(recorded: Sequence[Figure], recomputed: Sequence[Recomputed]) -> list[Figure]:
    """The recorded numbers with the descriptions of this version."""
    known = {one.check.what: one for one in recomputed}
    return [_updated(figure, known[f"{figure.split}/{figure.name}"]) for figure in recorded]


def _updated(recorded: Figure, one: Recomputed) -> Figure:
    if one.current is None:
        return recorded
    numbers: dict[str, Any] = {
        name: getattr(recorded, name)
        for name in ("value", "samples", "standard_error", "per_dimension")
    }
    # with other draws, the note may describe those
    note = one.current.note if one.same_draws else recorded.note
    return dataclasses.replace(one.current, **numbers, note=note)


def _contents(tensors: Mapping[str, Tensor]) -> Counter[str]:
    """The content of each tensor, without the names: a part may have renamed its weights."""
    return Counter(safetensors_io.digest({"": tensor}) for tensor in tensors.values())


def _published(
    entry: Entry,
    model: VAE,
    data: ImageData,
    figures: Sequence[Figure],
    registry: Registry,
) -> Entry:
    from vaezoo.evaluation import concluded
    from vaezoo.evaluation.describe_figures import described

    spec = model.spec
    state = safetensors_io.in_format(model.state_dict(), spec.publish.weights)
    if _contents(state) != _contents(safetensors_io.load(entry.weights_path)[0]):
        _require([Check("weights", False, "rewriting would change them")], entry)
    figures = described(figures, spec.metrics, spec)
    targets, notes = concluded(spec, figures, entry.history)
    pictures, failures = _drawn(entry, model, data)
    result = publish(
        spec,
        model,
        lock=with_check(entry.lock, spec, registry),
        figures=figures,
        targets=targets,
        history=entry.history,
        pictures=pictures,
        notes=[*notes, *of_training(entry.metrics.notes), *failures],
        test_is_trained_on=data.test_is_trained_on,
        zoo=home_of(entry).parent,
    )
    if entry.path.name != spec.name:
        keep_away(entry)
    return result


def _drawn(entry: Entry, model: VAE, data: ImageData) -> tuple[dict[str, bytes], list[str]]:
    """The pictures and notes on failed ones: the entry's if its visualizers are unchanged, else
    new ones."""
    from vaezoo.plotting.draw import draw
    from vaezoo.registry import EvaluationContext

    former = entry.spec_data.get("visualizers")
    if former == model.spec.canonical()["visualizers"]:
        pictures = {path.name: entry.picture(path) for path in entry.figures}
        return pictures, of_pictures(entry.metrics.notes)
    context = EvaluationContext.of_test(model, data, entry.history)
    drawn = draw(model.spec.visualizers, context, lambda name: None)
    return drawn.pictures, drawn.notes()
