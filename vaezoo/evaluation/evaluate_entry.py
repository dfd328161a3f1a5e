"""``evaluate``: compute figures of an entry, as ``vaezoo evaluate`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vaezoo.diagnostics import Diagnostic, PluginError, UsageError, ZooError, suggest
from vaezoo.registry import DataFacts, EvaluationContext, Figure, Metric, Registry, discover
from vaezoo.spec.declared_figures import names_of
from vaezoo.system.out_of_memory import memory_explained
from vaezoo.training.execution.malloc import memory_kept
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry_data import load_images, load_model, refuse_changed

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import ImageData, Metrics, Split
    from vaezoo.spec.spec import Spec

SPLITS = ("test", "validation", "train")
_ALL = "all"

#: Called with a metric's name and its number of examples.
Announce = Callable[[str, int], object]
#: Called with the number of examples just processed.
Advance = Callable[[int], object]


def _silent(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Measured:
    """The computed figures of an entry.

    ``left_out`` gives the reason for each metric that ``all`` skipped.
    """

    entry: Entry
    figures: tuple[Figure, ...]
    left_out: tuple[str, ...] = ()


@memory_explained("use fewer samples or metrics, or a device with more memory")
def evaluate(
    name: str | Path,
    *,
    split: str = "test",
    metrics: Sequence[str] = (),
    importance_samples: int | None = None,
    record: bool = False,
    zoo: str | Path | None = None,
    device: str = "cpu",
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
    announce: Announce = _silent,
    advance: Advance = _silent,
) -> Measured:
    """Figures of a trained model: ``vaezoo.evaluate("mnist_mlp20", metrics=["information"])``.

    ``metrics`` are names, or ``all`` that support the model; the default is those of the spec.
    A metric has the parameters of the spec, or its defaults. ``importance_samples`` adds the
    importance-weighted bound with that number of draws. ``record`` writes the figures to the
    entry's ``metrics.json`` and card, and judges its targets by them; the entry must be in a
    writable zoo. ``overrides`` are ``dataset.KEY=VALUE`` texts that locate the data. Warns (VZ612)
    if the data differ from those of the training.

    Raises UsageError (VZ501) for an unknown entry, (VZ504) for an unknown split or metric, or a
    named metric that does not support the model; DataError (VZ601) if the data are not available,
    (VZ612) for recording figures on changed data; ZooError (VZ503) for an unwritable entry;
    RunError (VZ607) if memory is exhausted.
    """
    if split not in SPLITS:
        hint = suggest(split, SPLITS, "splits")
        raise UsageError(Diagnostic("VZ504", f"no split {split!r}", hint=hint))
    registry = registry or discover()
    entry = find(name, zoo=zoo)
    if record:
        _require_amendable(entry)
    model = load_model(entry, registry, device, overrides)
    chosen = choose_metrics(model.spec, metrics, importance_samples, registry)
    data = load_images(entry, model)
    if record:
        refuse_changed(entry, data)
    context = context_of(model, data, split, advance)
    figures, left_out = compute_available(chosen, context, announce, named=metrics)
    if record:
        from vaezoo.evaluation import concluded
        from vaezoo.evaluation.describe_figures import described
        from vaezoo.registry.run_notes import of_the_run
        from vaezoo.zoo.add_metrics import amend, with_figures

        def with_new(now: Entry) -> Metrics:
            merged = with_figures(now.metrics.figures, figures)
            merged = tuple(described(merged, model.spec.metrics, model.spec))
            targets, notes = concluded(model.spec, merged, now.history)
            notes = (*notes, *of_the_run(now.metrics.notes))
            return replace(now.metrics, figures=merged, targets=targets, notes=notes)

        amend(entry, with_new)
    return Measured(entry, tuple(figures), tuple(left_out))


def _require_amendable(entry: Entry) -> None:
    """Raise ZooError (VZ503) early if figures cannot be recorded."""
    from vaezoo.zoo.add_metrics import cannot_amend

    def refuse() -> None:
        reason = cannot_amend(entry)
        if reason:
            hint = "omit --record, or copy the entry to a writable zoo"
            raise ZooError(Diagnostic("VZ503", f"cannot record figures: {reason}", hint=hint))

    entry.steadily(refuse)  # a publish may replace the files while they are read


@memory_kept()
def compute_figures(
    metrics: Sequence[Metric], context: EvaluationContext, announce: Announce = _silent
) -> list[Figure]:
    """The figures of the metrics, with fast matrix products."""
    from vaezoo.evaluation.describe_figures import compute
    from vaezoo.training.execution.cpu_matmul import fast_float32

    figures = []
    with fast_float32(context.model.device):
        for metric in metrics:
            announce(metric.use, len(context.split))
            figures += compute(metric, context)
    return figures


def compute_available(
    metrics: Sequence[Metric], context: EvaluationContext, announce: Announce, named: Sequence[str]
) -> tuple[list[Figure], list[str]]:
    """The figures, and the reasons for skipped metrics; a metric in ``named`` is not skipped."""
    figures: list[Figure] = []
    left_out = []
    for metric in metrics:
        problem = _problem(metric, context)
        if problem and (_ALL not in named or metric.use in named):
            raise _impossible(metric, problem)
        if problem:
            left_out.append(f"{metric.use}: {problem}")
            continue
        try:
            figures += compute_figures([metric], context, announce)
        except UsageError as error:
            if _ALL not in named or metric.use in named:
                raise
            left_out += [f"{metric.use}: {finding.message}" for finding in error.diagnostics]
    return figures, left_out


def _problem(metric: Metric, context: EvaluationContext) -> str | None:
    """Why a metric does not support the data of the context; None if it does."""
    training = len(context.training) if context.training else 0
    has_labels = context.split.labels is not None
    facts = DataFacts(context.spec.dataset, training, len(context.split), has_labels)
    return metric.data_problem(context.spec, facts)


def _impossible(metric: Metric, problem: str) -> UsageError:
    hint = "choose other metrics, or 'all', which skips this one"
    message = f"cannot compute the metric {metric.use!r}: {problem}"
    return UsageError(Diagnostic("VZ504", message, hint=hint))


def choose_metrics(
    spec: Spec, names: Sequence[str], importance_samples: int | None, registry: Registry
) -> list[Metric]:
    """The named metrics; without names, those of the spec."""
    if _ALL in names:
        names = [found.component.use for found in registry.components("metric")]
    chosen = [metric for name in names for metric in _of_name(name, spec, registry)]
    if not names:
        chosen = list(spec.metrics)
    if importance_samples is not None:
        bound = _bound_metric(spec, registry)
        chosen = [metric for metric in chosen if not isinstance(metric, bound)]
        chosen.append(bound.model_validate({"samples": importance_samples}))
    return chosen


def _bound_metric(spec: Spec, registry: Registry) -> type[Metric]:
    """The metric of a bound that rises with draws of z: of the spec, or the first registered.

    Raises UsageError (VZ504) if there is none.
    """
    every = [cast("type[Metric]", found.component) for found in registry.components("metric")]
    own: list[type[Metric]] = [type(metric) for metric in spec.metrics]
    for kind in (*own, *every):
        rising = any(one.role == "bound" and one.with_samples == "rises" for one in kind.figures)
        if rising and "samples" in kind.model_fields:
            return kind
    message = "no plugin has a metric of an importance-weighted bound"
    raise UsageError(Diagnostic("VZ504", message, hint="'vaezoo plugins list' shows the metrics"))


def _of_name(name: str, spec: Spec, registry: Registry) -> list[Metric]:
    """The spec's metrics of that name, or one with default parameters."""
    own = [metric for metric in spec.metrics if name in (metric.use, metric.to_spec())]
    if own:
        return own
    try:
        return [cast("Metric", registry.find("metric", name).component())]
    except PluginError as error:
        finding = error.diagnostics[0]
        raise UsageError(Diagnostic("VZ504", finding.message, hint=finding.hint)) from None


def metric_of(figure: Figure, spec: Spec, registry: Registry) -> Metric | None:
    """The metric of a figure, with the same number of draws; None if no plugin has it."""
    found = [row.component for row in registry.components("metric")]
    kinds = [cast("type[Metric]", kind) for kind in found]
    for kind in (kind for kind in kinds if figure.name in names_of(kind)):
        own = [metric for metric in spec.metrics if type(metric) is kind]
        metric = own[0] if own else kind()
        if "samples" in kind.model_fields and figure.samples:
            return metric.model_copy(update={"samples": figure.samples})
        return metric
    return None


def context_of(
    model: VAE, data: ImageData, split: str, advance: Advance = _silent
) -> EvaluationContext:
    """The evaluation context of a trained model on a split of its data."""
    context = EvaluationContext.of_test(model, data, advance=advance)
    if split == "test":
        return context
    return replace(context, split=_held_out_or_not(model.spec, data, split), split_name=split)


def _held_out_or_not(spec: Spec, data: ImageData, split: str) -> Split:
    """The training images, or those held out from training.

    If training redrew pixels at each step, one draw represents them.
    """
    from vaezoo.data.binarize import held_out_images
    from vaezoo.data.resident import held_out_rows, select
    from vaezoo.training.fit_sampler import training_split
    from vaezoo.training.loop import stream

    if split == "train":
        return training_split(spec, data)
    seed = stream(spec.train.seed, "validation")
    _, held_out = held_out_rows(len(data.train), spec.train.validation, seed)
    if held_out is not None:
        return held_out_images(select(data.train, held_out), data.binarization)
    raise UsageError(
        Diagnostic(
            "VZ504",
            f"{spec.name} has no validation split: it was trained with validation: 0",
            hint="the splits test and train can be evaluated",
        )
    )
