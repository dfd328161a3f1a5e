"""Read ``Spec``s from a file or from data, with all findings at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vaezoo.diagnostics import Diagnostic, Related, Severity, SpecError
from vaezoo.registry import Condition, Registry, discover
from vaezoo.registry.fields.tagged import completed
from vaezoo.spec.extends import NOT_FROM_FILES, Layers, load_layers
from vaezoo.spec.group_findings import over_members
from vaezoo.spec.lint import lint
from vaezoo.spec.matrix import Axis
from vaezoo.spec.matrix_texts import Text, lay_out
from vaezoo.spec.nodes import Document, Node
from vaezoo.spec.overrides import read_overrides
from vaezoo.spec.schema_findings import Translator
from vaezoo.spec.spec import Spec
from vaezoo.spec.stdin import given
from vaezoo.spec.value_checks import check

#: A check of a valid spec.
Look = Callable[[Spec, Document], list[Diagnostic]]


@dataclass(frozen=True)
class Member:
    """One spec of a file; a file without a matrix has one member.

    ``values`` are its values from the matrix, by key. ``spec`` is None if it is invalid.
    """

    text: Text
    values: Mapping[str, Node]
    spec: Spec | None

    @property
    def name(self) -> str:
        """The name of a valid member."""
        return self.spec.name if self.spec else ""

    def data(self) -> dict[str, Any]:
        """Its values from the matrix, by key, as JSON data."""
        return {key: node.data() for key, node in self.values.items()}


@dataclass(frozen=True)
class Reading:
    """The result of reading a file: findings, and members if it could be parsed."""

    findings: tuple[Diagnostic, ...]
    members: tuple[Member, ...] = ()
    axes: tuple[Axis, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings of severity error."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """All specs. Raises SpecError with all errors if there are any."""
        specs = tuple(member.spec for member in self.members if member.spec)
        if self.errors or not specs:
            raise SpecError(*self.errors)
        return specs

    def only(self, source: str | Path) -> Spec:
        """The only spec. Raises SpecError (VZ208) if a matrix gives several."""
        specs = self.specs
        if len(specs) == 1:
            return specs[0]
        message = f"{source} has a matrix of {len(specs):,} specs, but one spec is needed here"
        hint = f"select one with {' '.join(f'--set {axis.key}=…' for axis in self.axes)}"
        raise SpecError(Diagnostic("VZ208", message, hint=hint))

    def resolved(self) -> dict[str, Any]:
        """The file as JSON data, with every default filled in.

        For a grid, the first member together with the matrix, which gives the same specs as the
        file. Raises SpecError with all errors if there are any.
        """
        data = resolved(self.specs[0])
        if not self.axes:
            return data
        written = self.members[0].text.document.root.child("name")
        grid = {axis.key: [node.data() for node in axis.values] for axis in self.axes}
        return {**data, "name": written.data() if written else "", "matrix": grid}


def resolved(spec: Spec) -> dict[str, Any]:
    """The canonical spec together with ``ignore``."""
    ignored = {"ignore": list(spec.ignore)} if spec.ignore else {}
    return {**spec.canonical(), **ignored}


def read(
    path: str | Path, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """Read the spec in a file, with ``overrides`` such as ``"loss.beta=2"``.

    Raises SpecError with all errors, each with its position in the file, base or override, or
    (VZ208) if the file's matrix gives several specs.
    """
    path = given(path)
    return examine(path, overrides=overrides, registry=registry or discover()).only(path)


def expand(
    path: str | Path, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> tuple[Spec, ...]:
    """Read all specs of a file: one for each combination of its matrix.

    >>> [spec.name for spec in vaezoo.expand("sweep.yaml")]
    ['sweep-beta1', 'sweep-beta4']

    A file without a matrix gives one spec. Raises SpecError with all errors.
    """
    return examine(given(path), overrides=overrides, registry=registry or discover()).specs


def from_data(data: dict[str, Any], registry: Registry, condition: Condition | None = None) -> Spec:
    """The spec in ``data``, such as from ``Spec.canonical`` or a weights file.

    ``condition`` holds the classes of a trained model, whose data may be absent. Raises SpecError
    with all errors.
    """
    spec, findings = _validated(data, registry, None)
    if spec is None:
        raise SpecError(*findings)
    problems = [
        finding for finding in check(spec, None, condition) if finding.severity is Severity.ERROR
    ]
    if problems:
        raise SpecError(*problems)
    return spec


def examine(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    registry: Registry,
    looks: Sequence[Look] = (),
    texts: Mapping[str, bytes] = NOT_FROM_FILES,
) -> Reading:
    """Read a file's specs and all findings, without raising.

    ``looks`` are further checks of each valid spec. ``texts`` replaces the content of files, by
    real path.
    """
    try:
        layers = load_layers(path, texts)
    except SpecError as error:
        return Reading(error.diagnostics)
    return examine_layers(layers, overrides, registry, looks)


def examine_layers(
    layers: Layers, overrides: Iterable[str], registry: Registry, looks: Sequence[Look] = ()
) -> Reading:
    """Like ``examine``, for layers that are already loaded."""
    given, about_overrides = read_overrides(overrides)
    grid = lay_out(layers, given)
    members: list[Member] = []
    about_schema: list[list[Diagnostic]] = []
    about_values: list[list[Diagnostic]] = []
    for combination, name in zip(grid.combinations, grid.names(), strict=True):
        text, wrong = grid.member(combination)
        spec, found = _validated(text.document.data(), registry, text.document)
        about_schema.append([*wrong, *found])
        if spec:
            seen = (look(spec, text.document) for look in (check, lint, *looks))
            about_values.append(list(chain.from_iterable(seen)))
        if spec and grid.axes:
            spec = spec.model_copy(update={"name": name})
        members.append(Member(text, grid.values(combination), spec))
    valid = [one for one, m in zip(grid.combinations, members, strict=True) if m.spec]
    findings = [
        *layers.findings,
        *about_overrides,
        *grid.findings,
        *over_members(about_schema, grid.combinations, grid.axes),
        *over_members(about_values, valid, grid.axes),
    ]
    if grid.axes and not findings:
        findings += _duplicates(members)
    return Reading(tuple(layers.traced(findings)), tuple(members), grid.axes)


def _duplicates(members: Sequence[Member]) -> Iterator[Diagnostic]:
    """Findings for members that differ only in form, such as relu and {use: relu}."""
    first: dict[str, Member] = {}
    for member in members:
        spec = member.spec
        meant = spec and json.dumps(spec.model_dump(mode="json", exclude={"name"}), sort_keys=True)
        if meant and first.setdefault(meant, member) is not member:
            yield _duplicate(member, first[meant])


def _duplicate(member: Member, other: Member) -> Diagnostic:
    pairs = zip(member.values.values(), other.values.values(), strict=True)
    place, before = next((a, b) for a, b in pairs if a is not b)
    return Diagnostic(
        "VZ208",
        "this value gives the same spec as another one",
        place.span,
        hint="remove one of the two",
        related=(Related("the other value", before.span),),
    )


def _validated(
    data: Any, registry: Registry, document: Document | None
) -> tuple[Spec | None, list[Diagnostic]]:
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        return None, [Diagnostic("VZ203", f"the spec is not JSON data: {error}")]
    try:
        spec = completed(Spec).model_validate_json(
            text, strict=True, context={"registry": registry}
        )
    except ValidationError as error:
        return None, Translator(data, registry, document).findings(error)
    return spec, []
