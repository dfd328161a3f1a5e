"""Find targets that the zoo's figures exceed without an explanation in the spec."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.diagnostics import Diagnostic, Severity, UsageError, ZooError
from vaezoo.registry import TargetResult
from vaezoo.registry.verdicts import from_record, in_words
from vaezoo.spec import Document
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec, Target
from vaezoo.zoo.search import find


def unexplained(spec: Spec, document: Document | None) -> list[Diagnostic]:
    """A warning (VZ416) for each target without a note that the spec's entry exceeds.

    Empty if the entry is missing or damaged, which other commands report.
    """
    if "VZ416" in spec.ignore or all(target.note for target in spec.targets):
        return []
    try:
        recorded = find(spec.name).metrics.targets
    except (UsageError, ZooError):
        return []
    places = Positions(document)
    return [
        Diagnostic(
            "VZ416",
            f"{target.metric} is {in_words(result)} in the zoo ({result['figure']:.2f}), and the "
            "target does not say why",
            places.of("targets", index, "value"),
            hint="explain the better figure in the target's note, such as another protocol or an "
            "error in the source",
            severity=Severity.WARNING,
        )
        for index, target in enumerate(spec.targets)
        for result in _better(target, recorded)
        if not target.note
    ]


def _better(target: Target, recorded: tuple[TargetResult, ...]) -> Iterator[TargetResult]:
    """The recorded figure judged by the current target, if it is better."""
    for one in recorded:
        if one["metric"] == target.metric:
            result = from_record(
                target.metric,
                target.value,
                target.tolerance,
                target.source,
                one["figure"],
                one["better"],
            )
            if result["verdict"] == "better":
                yield result
            return
