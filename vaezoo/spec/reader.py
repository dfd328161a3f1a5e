"""From a file, or from data, to ``Spec``s: with every finding at once, or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vaezoo.diagnostics import Diagnostic, Related, Severity, SpecError
from vaezoo.registry import Registry, discover
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

#: What finds something to say about a valid spec.
Look = Callable[[Spec, Document], list[Diagnostic]]


@dataclass(frozen=True)
class Member:
    """One spec of those that a file stands for; a file without a matrix has one.

    ``values`` are those that its matrix gives it, by key; ``spec`` is None where it is not valid.
    """

    text: Text
    values: Mapping[str, Node]
    spec: Spec | None

    @property
    def name(self) -> str:
        """The name of a valid member."""
        return self.spec.name if self.spec else ""

    def data(self) -> dict[str, Any]:
        """What its matrix gives it, by key, as plain data."""
        return {key: node.data() for key, node in self.values.items()}


@dataclass(frozen=True)
class Reading:
    """What a file turned out to hold, as far as it could be read."""

    findings: tuple[Diagnostic, ...]
    members: tuple[Member, ...] = ()
    axes: tuple[Axis, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the file from being used."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """All the specs. Raises SpecError with every error where there is one."""
        specs = tuple(member.spec for member in self.members if member.spec)
        if self.errors or not specs:
            raise SpecError(*self.errors)
        return specs

    def only(self, source: str | Path) -> Spec:
        """The one spec. Raises SpecError, (VZ208) where a matrix makes several."""
        specs = self.specs
        if len(specs) == 1:
            return specs[0]
        message = f"{source} has a matrix: it stands for {len(specs):,} specs, one is wanted here"
        hint = f"choose one: {' '.join(f'--set {axis.key}=…' for axis in self.axes)}"
        raise SpecError(Diagnostic("VZ208", message, hint=hint))

    def resolved(self) -> dict[str, Any]:
        """The file as JSON data, with every default filled in.

        Of a grid it is the first member with the matrix beside it: it stands for the same specs
        as the file. Raises SpecError with every error where there is one.
        """
        data = resolved(self.specs[0])
        if not self.axes:
            return data
        written = self.members[0].text.document.root.child("name")
        grid = {axis.key: [node.data() for node in axis.values] for axis in self.axes}
        return {**data, "name": written.data() if written else "", "matrix": grid}


def resolved(spec: Spec) -> dict[str, Any]:
    """The spec as JSON data with every default, and with what it says to its readers alone."""
    said = {"ignore": list(spec.ignore)} if spec.ignore else {}
    return {**spec.canonical(), **said}


def read(
    path: str | Path, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """The spec that a file holds, with ``overrides`` such as ``"loss.beta=2"`` on top.

    Raises SpecError with all findings, each with its place in the file, base or override, and
    (VZ208) for a file whose matrix makes more than one spec of it.
    """
    path = given(path)
    return examine(path, overrides=overrides, registry=registry or discover()).only(path)


def expand(
    path: str | Path, *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> tuple[Spec, ...]:
    """All the specs that a file stands for: one for each combination of its matrix.

    >>> [spec.name for spec in vaezoo.expand("sweep.yaml")]
    ['sweep-beta1', 'sweep-beta4']

    A file without a matrix stands for itself. Raises SpecError with all findings.
    """
    return examine(given(path), overrides=overrides, registry=registry or discover()).specs


def from_data(data: dict[str, Any], registry: Registry) -> Spec:
    """The spec that ``data`` holds, as ``Spec.canonical`` or a weights file gives it.

    Raises SpecError with all findings that are errors.
    """
    spec, findings = _validated(data, registry, None)
    if spec is None:
        raise SpecError(*findings)
    problems = [finding for finding in check(spec) if finding.severity is Severity.ERROR]
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
    """Read a file as far as it goes: its specs, and everything there is to say about them.

    ``looks`` are taken at each valid spec beside those that are always taken; ``texts`` are read
    in place of files, by their real paths.
    """
    try:
        layers = load_layers(path, texts)
    except SpecError as error:
        return Reading(error.diagnostics)
    return examine_layers(layers, overrides, registry, looks)


def examine_layers(
    layers: Layers, overrides: Iterable[str], registry: Registry, looks: Sequence[Look] = ()
) -> Reading:
    """Like ``examine``, of layers that were read from files or elsewhere."""
    given, about_overrides = read_overrides(overrides)
    grid = lay_out(layers, given)
    members: list[Member] = []
    about_schema: list[list[Diagnostic]] = []
    about_sense: list[list[Diagnostic]] = []
    for combination, name in zip(grid.combinations, grid.names(), strict=True):
        text, wrong = grid.member(combination)
        spec, found = _validated(text.document.data(), registry, text.document)
        about_schema.append([*wrong, *found])
        if spec:
            seen = (look(spec, text.document) for look in (check, lint, *looks))
            about_sense.append(list(chain.from_iterable(seen)))
        if spec and grid.axes:
            spec = spec.model_copy(update={"name": name})
        members.append(Member(text, grid.values(combination), spec))
    valid = [one for one, m in zip(grid.combinations, members, strict=True) if m.spec]
    findings = [
        *layers.findings,
        *about_overrides,
        *grid.findings,
        *over_members(about_schema, grid.combinations, grid.axes),
        *over_members(about_sense, valid, grid.axes),
    ]
    if grid.axes and not findings:
        findings += _alike(members)
    return Reading(tuple(layers.traced(findings)), tuple(members), grid.axes)


def _alike(members: Sequence[Member]) -> Iterator[Diagnostic]:
    """Members that differ in how they are written only, such as relu and {use: relu}."""
    first: dict[str, Member] = {}
    for member in members:
        spec = member.spec
        meant = spec and json.dumps(spec.model_dump(mode="json", exclude={"name"}), sort_keys=True)
        if meant and first.setdefault(meant, member) is not member:
            yield _same(member, first[meant])


def _same(member: Member, other: Member) -> Diagnostic:
    pairs = zip(member.values.values(), other.values.values(), strict=True)
    place, before = next((a, b) for a, b in pairs if a is not b)
    return Diagnostic(
        "VZ208",
        "this value makes the same spec as another one",
        place.span,
        hint="leave one of the two out",
        related=(Related("the other one", before.span),),
    )


def _validated(
    data: Any, registry: Registry, document: Document | None
) -> tuple[Spec | None, list[Diagnostic]]:
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        return None, [Diagnostic("VZ203", f"this is not JSON data: {error}")]
    try:
        spec = completed(Spec).model_validate_json(
            text, strict=True, context={"registry": registry}
        )
    except ValidationError as error:
        return None, Translator(data, registry, document).findings(error)
    return spec, []
