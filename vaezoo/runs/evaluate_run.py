"""Evaluate a trained run on the test split."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.evaluation.evaluator import evaluate, judge, observations
from vaezoo.registry import EvaluationContext
from vaezoo.registry.contracts import Figure
from vaezoo.registry.verdicts import TargetResult
from vaezoo.training import Observer, Trained


@dataclass(frozen=True)
class RunEvaluation:
    """Metrics, targets and notes of a run."""

    figures: list[Figure]
    targets: list[TargetResult]
    notes: list[str]


def evaluate_run(context: EvaluationContext, trained: Trained, observer: Observer) -> RunEvaluation:
    """Compute the metrics of the spec and compare them with its targets."""
    spec, kept = context.spec, trained.kept_epoch
    observer.evaluating("test figures", len(spec.metrics) * len(context.split))
    figures = evaluate(context)
    targets = judge(spec, figures, trained.history[:kept])
    return RunEvaluation(figures, targets, observations(spec, figures, targets, kept))
