"""``validate``: all findings about any number of specs, in one pass."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from vaezoo.diagnostics import Diagnostic, SpecError
from vaezoo.diagnostics.output import Report
from vaezoo.diagnostics.output.spec_report import in_order
from vaezoo.registry import Registry, discover
from vaezoo.spec.find_specs import find_specs
from vaezoo.spec.reader import Look, Reading, examine
from vaezoo.spec.stdin import given

PathLike = str | os.PathLike[str]


def validate(
    paths: PathLike | Iterable[PathLike],
    *,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
    looks: Sequence[Look] = (),
) -> tuple[Diagnostic, ...]:
    """All findings about the specs under ``paths``: files, folders or globs.

    >>> vaezoo.validate("specs")
    ()

    ``looks`` are further checks of a valid spec, such as
    ``vaezoo.model.shape_check.shape_findings``.
    """
    return survey(paths, overrides=overrides, registry=registry, looks=looks).diagnostics


def survey(
    paths: PathLike | Iterable[PathLike],
    *,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
    looks: Sequence[Look] = (),
) -> Report:
    """Like ``validate``, by file. Two specs with the same name are a finding too."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    registry = registry or discover()
    files: dict[str, tuple[Diagnostic, ...]] = {}
    named: dict[str, str] = {}
    seen: set[str] = set()
    for path in (os.fspath(path) for path in several):
        try:
            path = given(path)
        except SpecError as error:
            files[path] = error.diagnostics
            continue
        found = find_specs(path)
        files |= {folder: (finding,) for folder, finding in found.findings.items()}
        for file in found.files:
            real = _identity(file)
            if real not in seen:
                seen.add(real)
                files[file] = _findings(file, tuple(overrides), registry, looks, named)
    return Report(files)


def _identity(file: str) -> str:
    try:
        return os.path.realpath(file)
    except ValueError:  # a NUL
        return file


def _findings(
    file: str,
    overrides: tuple[str, ...],
    registry: Registry,
    looks: Sequence[Look],
    named: dict[str, str],
) -> tuple[Diagnostic, ...]:
    """The findings about one file; ``named`` maps the names of earlier specs to their files."""
    reading = examine(file, overrides=overrides, registry=registry, looks=looks)
    return in_order([*reading.findings, *_duplicate_names(reading, file, named)])


def _duplicate_names(reading: Reading, file: str, named: dict[str, str]) -> list[Diagnostic]:
    """A finding for each other file that has a spec of the same name."""
    taken: dict[str, Diagnostic] = {}
    for member in reading.members:
        other = named.setdefault(member.name, file) if member.spec else file
        if other != file:
            finding = Diagnostic(
                "VZ402",
                f"two specs have the name {member.name!r}",
                member.text.document.value_span(("name",)),
                hint=f"the other one is in {other}; rename one: the zoo has one entry per name",
            )
            taken.setdefault(other, finding)  # report two files with the same matrix once
    return list(taken.values())
