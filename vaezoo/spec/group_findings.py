"""The findings about many members of a grid as few findings about the grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vaezoo.diagnostics import Diagnostic, Related, Severity, Span
from vaezoo.spec.matrix import Axis, Combination

#: Findings that are right only where they hold for every member: a warning that one member
#: ignores in vain may be another's.
_OF_ALL = frozenset({"VZ420"})


def over_members(
    found: Sequence[Sequence[Diagnostic]],
    combinations: Sequence[Combination],
    axes: Sequence[Axis],
) -> list[Diagnostic]:
    """The findings about each member of a grid as findings about the grid.

    ``combinations`` are those of the members that were looked at. One fault that many of them
    share is one finding. Where only some have it, it stands at the value of the matrix that
    those have in common.
    """
    faults = [
        fault
        for fault in _merged(_grouped(found))
        if len(fault.members) == len(combinations) or fault.finding.code not in _OF_ALL
    ]
    return [_attributed(fault, combinations, axes) for fault in faults]


@dataclass
class _Fault:
    """A finding and the members, by number, that have it."""

    finding: Diagnostic
    members: set[int] = field(default_factory=set)


def _grouped(found: Sequence[Sequence[Diagnostic]]) -> list[_Fault]:
    faults: dict[Diagnostic, _Fault] = {}
    for member, findings in enumerate(found):
        for finding in findings:
            faults.setdefault(finding, _Fault(finding)).members.add(member)
    return list(faults.values())


def _merged(faults: Sequence[_Fault]) -> list[_Fault]:
    """Faults of one code and place that no member has both of: one, in the first one's words."""
    kept: dict[tuple[str, Severity, Span | None], list[_Fault]] = {}
    for fault in faults:
        finding = fault.finding
        alike = kept.setdefault((finding.code, finding.severity, finding.span), [])
        other = next((one for one in alike if one.members.isdisjoint(fault.members)), None)
        if other and finding.span:
            other.members |= fault.members
        else:
            alike.append(fault)
    return [fault for alike in kept.values() for fault in alike]


def _attributed(
    fault: _Fault, combinations: Sequence[Combination], axes: Sequence[Axis]
) -> Diagnostic:
    finding = _about_key(fault.finding, axes)
    if len(fault.members) == len(combinations):
        return finding
    numbers = range(len(axes))
    chosen = [sorted({combinations[m][a] for m in fault.members}) for a in numbers]
    involved = [a for a in numbers if len(chosen[a]) < len({one[a] for one in combinations})]
    involved = involved or list(numbers)
    here = next((a for a in involved if _holds(axes[a].values[chosen[a][0]].span, finding)), None)
    others = [a for a in involved if a != here]
    if here is None and not any(finding.span in axis.keys for axis in axes):
        last = others.pop()
        count = f"{len(fault.members):,} of {len(combinations):,} members"
        finding = _moved(finding, axes[last].values[chosen[last][0]].span, count)
        others += [last] if len(chosen[last]) > 1 else []
    related = [_value(axes[a], chosen[a]) for a in others]
    return replace(finding, related=(*finding.related, *related))


def _about_key(finding: Diagnostic, axes: Sequence[Axis]) -> Diagnostic:
    """A key that the schema does not have is, in a matrix, a key that cannot be varied."""
    axis = next((axis for axis in axes if finding.span in axis.keys), None)
    if axis is None or finding.code != "VZ201":
        return finding
    message = f"the matrix cannot vary {axis.key!r}: {finding.message}"
    return replace(finding, code="VZ208", message=message)


def _moved(finding: Diagnostic, place: Span, count: str) -> Diagnostic:
    """The finding at a value of the matrix, with the place where it was found beside it."""
    shown = (Related("it shows here", finding.span),) if finding.span else ()
    message = f"{finding.message} (in {count})"
    return replace(finding, message=message, span=place, related=(*shown, *finding.related))


def _value(axis: Axis, chosen: Sequence[int]) -> Related:
    node = axis.values[chosen[0]]
    text = json.dumps(node.data(), ensure_ascii=False)
    text = text if len(text) <= 40 else f"{text[:39]}…"
    more = f" or {len(chosen) - 1} more" if len(chosen) > 1 else ""
    return Related(f"with {axis.key} = {text}{more}", node.span)


def _holds(outer: Span, finding: Diagnostic) -> bool:
    inner = finding.span
    return (
        inner is not None
        and inner.source == outer.source
        and outer.start <= inner.start
        and inner.end <= outer.end
    )
