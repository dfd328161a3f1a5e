"""Run a spec's metrics on a trained model."""

from __future__ import annotations

from vaezoo.diagnostics import PluginError
from vaezoo.evaluation.describe_figures import compute
from vaezoo.registry import EvaluationContext, Figure, Metric
from vaezoo.registry.blame import component_failure
from vaezoo.training.execution.malloc import memory_kept


@memory_kept()
def evaluate(context: EvaluationContext) -> list[Figure]:
    """The figures of the spec's metrics on the context's split.

    Raises PluginError (VZ303) if a metric fails, or names a figure as another metric does.
    """
    figures: list[Figure] = []
    owners: dict[tuple[str, str], Metric] = {}
    for metric in context.spec.metrics:
        for figure in compute(metric, context):
            owner = owners.setdefault((figure.split, figure.name), metric)
            if type(owner) is not type(metric):
                taken = ValueError(f"{figure.name!r} is already a figure of {owner.use!r}")
                raise PluginError(component_failure(metric, taken, None, "to name its figures"))
            figures.append(figure)
    return figures
