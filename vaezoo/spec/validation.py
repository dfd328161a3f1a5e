"""``validate``: everything that can be said about any number of specs, in one pass."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, Position, Severity, Span
from vaezoo.registry import Registry, discover
from vaezoo.spec.document import whole
from vaezoo.spec.reader import examine

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Report:
    """The findings about each spec that was looked at."""

    files: dict[str, tuple[Diagnostic, ...]]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings, each once, by file and line."""
        several = (finding for found in self.files.values() for finding in found)
        return tuple(sorted(dict.fromkeys(several), key=_order))

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.diagnostics)

    @property
    def invalid(self) -> int:
        """How many specs cannot be used."""
        return sum(
            any(finding.severity is Severity.ERROR for finding in found)
            for found in self.files.values()
        )


def validate(
    paths: PathLike | Iterable[PathLike],
    *,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
) -> tuple[Diagnostic, ...]:
    """All findings about all specs under ``paths``: files, folders or globs.

    >>> vaezoo.validate("specs")
    ()
    """
    return survey(paths, overrides=overrides, registry=registry).diagnostics


def survey(
    paths: PathLike | Iterable[PathLike],
    *,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
) -> Report:
    """Like ``validate``, by spec. Two specs of one call that share a name are a finding too."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    registry = registry or discover()
    files: dict[str, tuple[Diagnostic, ...]] = {}
    named: dict[str, str] = {}
    looked_at: set[str] = set()
    for path in (os.fspath(path) for path in several):
        found = list(_specs(path))
        if not found:
            files[path] = (_nothing(path),)
        for file in found:
            real = os.path.realpath(file)
            if real not in looked_at:
                looked_at.add(real)
                files[file] = _findings(file, tuple(overrides), registry, named)
    return Report(files)


def _findings(
    file: str, overrides: tuple[str, ...], registry: Registry, named: dict[str, str]
) -> tuple[Diagnostic, ...]:
    """What there is to say about one spec; ``named`` holds the names of those before it."""
    spec, document, findings = examine(file, overrides=overrides, registry=registry)
    if spec and document:
        first = named.setdefault(spec.name, file)
        if first != file:
            findings.append(
                Diagnostic(
                    "VZ402",
                    f"two specs have the name {spec.name!r}",
                    document.value_span(("name",)),
                    hint=f"the other one is {first}; one would replace the other in the zoo",
                )
            )
    return tuple(findings)


def _specs(path: str) -> Iterator[str]:
    """The files that ``path`` means; of a folder, every spec below it.

    Names beginning with a dot or an underscore are passed over there: a base that is no spec
    by itself is called ``_base.yaml``.
    """
    if os.path.isdir(path):
        for folder, below, names in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith((".", "_")))
            for name in sorted(names):
                if name.endswith((".yaml", ".yml")) and not name.startswith((".", "_")):
                    yield os.path.join(folder, name)
    elif not os.path.lexists(path) and glob.has_magic(path):
        for match in sorted(glob.iglob(path, recursive=True)):
            yield from _specs(match)
    else:
        yield path


def _nothing(path: str) -> Diagnostic:
    what = "folder" if os.path.isdir(path) else "pattern"
    message = f"{path} cannot be read: this {what} holds no spec"
    return Diagnostic("VZ101", message, whole(path), hint="specs end in .yaml or .yml")


def _order(finding: Diagnostic) -> tuple[str, Position, str, str]:
    span = finding.span or Span("", Position(1, 1), Position(1, 1))
    return span.source, span.start, finding.code, finding.message
