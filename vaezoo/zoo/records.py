"""Read and write ``metrics.json`` and ``history.jsonl`` of an entry."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vaezoo.registry import EpochRecord, Figure, Metrics, TargetResult
from vaezoo.registry.quantity import Better
from vaezoo.registry.verdicts import Verdict as TargetVerdict
from vaezoo.registry.verdicts import from_record
from vaezoo.system import strict_json
from vaezoo.system.typed_json import typed

#: Size limits in bytes: 65,536 latents take 3 MB, 20,000 epochs 8 MB.
LARGEST_METRICS, LARGEST_HISTORY = 4 * 10**6, 12 * 10**6

#: The terms of every epoch, see ``EpochRecord``.
_TERMS = frozenset({"objective", "reconstruction", "kl", "elbo"})


@dataclass(frozen=True)
class _RecordedTarget:
    """A recorded target; old records have ``reached`` instead of ``verdict``."""

    metric: str
    value: float
    tolerance: float
    source: str
    figure: float
    better: Better | None = None
    note: str = ""
    reached: bool | None = None
    verdict: TargetVerdict | None = None


def read_metrics(content: bytes) -> Metrics:
    """Parse ``metrics.json``. Raises ValueError, or RecursionError for deep nesting."""
    data = strict_json.parse(content)
    wrong = {"figures", "targets", "notes", "test_is_trained_on"} ^ set(typed(data, dict[str, Any]))
    if wrong:
        raise ValueError(f"{min(wrong)} is {'unknown' if min(wrong) in data else 'missing'}")
    return Metrics(
        figures=tuple(_figure(item, i) for i, item in enumerate(_list(data, "figures"))),
        targets=tuple(_target(item, i) for i, item in enumerate(_list(data, "targets"))),
        notes=typed(data["notes"], tuple[str, ...], "notes"),
        test_is_trained_on=typed(data["test_is_trained_on"], bool, "test_is_trained_on"),
    )


def metrics_text(metrics: Metrics) -> str:
    """``metrics.json`` of an entry."""
    return _json(
        {
            "figures": [dataclasses.asdict(figure) for figure in metrics.figures],
            "targets": [dict(target) for target in metrics.targets],
            "notes": list(metrics.notes),
            "test_is_trained_on": metrics.test_is_trained_on,
        },
        indent=1,
    )


def read_history(content: bytes) -> tuple[EpochRecord, ...]:
    """Parse ``history.jsonl``. Raises ValueError, or RecursionError for deep nesting."""
    lines = content.decode("utf-8").split("\n")
    if lines.pop():
        raise ValueError("its last line is truncated")
    return tuple(_epoch(strict_json.parse(line), f"line {n}") for n, line in enumerate(lines, 1))


def _epoch(item: Any, where: str) -> EpochRecord:
    record: EpochRecord = typed(item, EpochRecord, where)
    for name, terms in (("train", record.train), ("validation", record.validation)):
        missing = _TERMS - terms.keys() if terms is not None else None
        if missing:
            raise ValueError(f"{where}.{name}.{min(missing)} is missing")
    return record


def history_text(history: Iterable[EpochRecord]) -> str:
    """``history.jsonl`` of an entry."""
    return "".join(_json(record.to_data()) for record in history)


def to_json(value: Any) -> Any:
    """``value`` with each non-finite number replaced by None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _list(data: dict[str, Any], key: str) -> list[Any]:
    items: list[Any] = typed(data[key], list[Any], key)
    return items


def _figure(item: Any, number: int) -> Figure:
    where = f"figures[{number}]"
    figure: Figure = typed(item, Figure, where)
    error = figure.standard_error
    if error is not None and error < 0:
        raise ValueError(f"{where}.standard_error is below 0")
    if min(figure.samples, figure.examples) < 0:
        raise ValueError(f"{where} has a count below 0")
    return figure


def _target(item: Any, number: int) -> TargetResult:
    return from_record(**vars(typed(item, _RecordedTarget, f"targets[{number}]")))


def _json(data: Any, indent: int | None = None) -> str:
    return json.dumps(to_json(data), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
