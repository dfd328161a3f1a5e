"""Combine the findings of all members of a grid into findings about the grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vaezoo.diagnostics import Diagnostic, Related, Severity, Span
from vaezoo.spec.matrix import Axis, Combination

#: Findings that apply only if every member has them: another member may need the ignored warning.
_UNANIMOUS = frozenset({"VZ420"})


def over_members(
    found: Sequence[Sequence[Diagnostic]],
    combinations: Sequence[Combination],
    axes: Sequence[Axis],
) -> list[Diagnostic]:
    """Combine the findings of each member into findings about the grid.

    ``combinations`` belong to the members in ``found``. A fault shared by several members is
    one finding. If only some members have it, its position is the matrix value they share.
    """
    faults = [
        fault
        for fault in _merged(_grouped(found))
        if len(fault.members) == len(combinations) or fault.finding.code not in _UNANIMOUS
    ]
    return [_attributed(fault, combinations, axes) for fault in faults]


@dataclass
class _Fault:
    """A finding and the indices of the members that have it."""

    finding: Diagnostic
    members: set[int] = field(default_factory=set)


def _grouped(found: Sequence[Sequence[Diagnostic]]) -> list[_Fault]:
    faults: dict[Diagnostic, _Fault] = {}
    for member, findings in enumerate(found):
        for finding in findings:
            faults.setdefault(finding, _Fault(finding)).members.add(member)
    return list(faults.values())


def _merged(faults: Sequence[_Fault]) -> list[_Fault]:
    """Merge faults of one code and position that no member has both of; keep the first message."""
    kept: dict[tuple[str, Severity, Span | None], list[_Fault]] = {}
    for fault in faults:
        finding = fault.finding
        same = kept.setdefault((finding.code, finding.severity, finding.span), [])
        other = next((one for one in same if one.members.isdisjoint(fault.members)), None)
        if other and finding.span:
            other.members |= fault.members
        else:
            same.append(fault)
    return [fault for same in kept.values() for fault in same]


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
    own = next((a for a in involved if _contains(axes[a].values[chosen[a][0]].span, finding)), None)
    others = [a for a in involved if a != own]
    if own is None and not any(finding.span in axis.keys for axis in axes):
        last = others.pop()
        count = f"{len(fault.members):,} of {len(combinations):,} members"
        finding = _moved(finding, axes[last].values[chosen[last][0]].span, count)
        others += [last] if len(chosen[last]) > 1 else []
    related = [_value(axes[a], chosen[a]) for a in others]
    return replace(finding, related=(*finding.related, *related))


def _about_key(finding: Diagnostic, axes: Sequence[Axis]) -> Diagnostic:
    """Report an unknown key (VZ201) on an axis as a matrix finding (VZ208)."""
    axis = next((axis for axis in axes if finding.span in axis.keys), None)
    if axis is None or finding.code != "VZ201":
        return finding
    message = f"the matrix cannot vary {axis.key!r}: {finding.message}"
    return replace(finding, code="VZ208", message=message)


def _moved(finding: Diagnostic, place: Span, count: str) -> Diagnostic:
    """Move the finding to a matrix value; relate it to its original position."""
    shown = (Related("found here", finding.span),) if finding.span else ()
    message = f"{finding.message} (in {count})"
    return replace(finding, message=message, span=place, related=(*shown, *finding.related))


def _value(axis: Axis, chosen: Sequence[int]) -> Related:
    node = axis.values[chosen[0]]
    text = json.dumps(node.data(), ensure_ascii=False)
    text = text if len(text) <= 40 else f"{text[:39]}…"
    more = f" or {len(chosen) - 1} more" if len(chosen) > 1 else ""
    return Related(f"with {axis.key} = {text}{more}", node.span)


def _contains(outer: Span, finding: Diagnostic) -> bool:
    inner = finding.span
    return (
        inner is not None
        and inner.source == outer.source
        and outer.start <= inner.start
        and inner.end <= outer.end
    )
