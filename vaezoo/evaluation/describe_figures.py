"""Attach the descriptions of metrics and likelihood to figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from vaezoo.registry import EvaluationContext, Figure, Metric
from vaezoo.registry.blame import blamed
from vaezoo.registry.quantity import OF_THE_LIKELIHOOD
from vaezoo.spec.declared_figures import described_by
from vaezoo.spec.spec import FIGURE_PATTERN, Spec


def compute(metric: Metric, context: EvaluationContext) -> list[Figure]:
    """A metric's figures with their descriptions.

    Raises PluginError (VZ303) if it fails, or returns anything but figures.
    """
    with blamed(metric, "to compute its figures"):
        figures: object = metric.compute(context)
        if not isinstance(figures, list | tuple):
            raise TypeError(f"compute returned {_named(figures)}, not a list of figures")
        for figure in figures:
            _require_figure(figure)
    return described(figures, [metric], context.spec)


def _require_figure(figure: object) -> None:
    if not isinstance(figure, Figure):
        raise TypeError(f"compute returned {_named(figure)} in its list, not a vaezoo.Figure")
    if not re.fullmatch(FIGURE_PATTERN, f"{figure.split}/{figure.name}"):
        raise ValueError(f"{figure.split}/{figure.name!r} is not a name of a figure")
    numbers: list[tuple[str, object]] = [("value", figure.value)]
    if figure.standard_error is not None:
        numbers.append(("standard_error", figure.standard_error))
    numbers += [("per_dimension", value) for value in figure.per_dimension or ()]
    for name, value in numbers:
        if not isinstance(value, float | int):
            raise TypeError(f"the {name} of {figure.name} is {_named(value)}; use float(…)")


def _named(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def described(figures: Sequence[Figure], metrics: Sequence[Metric], spec: Spec) -> list[Figure]:
    """Figures with their descriptions from ``metrics``; others stay unchanged."""
    return [_described(figure, metrics, spec) for figure in figures]


def _described(figure: Figure, metrics: Sequence[Metric], spec: Spec) -> Figure:
    about = described_by(metrics, figure.name) or figure.about
    if about is None or about.role not in OF_THE_LIKELIHOOD:
        return replace(figure, about=about)
    return replace(figure, about=about, likelihood_caveat=caveat_of(spec, figure.binarisation))


def caveat_of(spec: Spec, binarisation: str) -> str:
    """The likelihood's caveat for binary or gray pixels, by a figure's ``binarisation``.

    Empty if the component fails: the lint reports that, and the trained model is not lost.
    """
    try:
        is_binary = not binarisation.startswith("none") or spec.dataset.binary is True
        return str(spec.model.likelihood.caveat(is_binary))
    except Exception:
        return ""
