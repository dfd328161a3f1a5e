"""Find problems of an installation, for ``vaezoo doctor``."""

from __future__ import annotations

import itertools
import os
import platform
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from vaezoo.diagnostics.printable import in_log, printable
from vaezoo.registry import Registry
from vaezoo.registry.catalogue.tables import component_rows, in_milliseconds, plugin_rows
from vaezoo.system.files import cache_folder
from vaezoo.zoo.search import BrokenEntry, entries, search_folders

_LIBRARIES = ("torch", "torchvision", "numpy", "matplotlib", "safetensors", "pydantic", "pluggy")


@dataclass(frozen=True)
class HealthCheck:
    """The result of one check. ``problem`` says what is wrong, ``advice`` what to do.

    Advice without a problem: it works, but could be better.
    """

    area: str
    subject: str
    found: str
    problem: str | None = None
    advice: str | None = None


def examine(
    registry: Registry, *, zoo: str | Path | None = None, commands: Collection[str] = ()
) -> list[HealthCheck]:
    """All checks that do not need torch.

    ``commands`` are vaezoo's own commands, whose names a plugin cannot use.
    """
    return [*_environment(), *_folders(zoo), *_plugins(registry, commands)]


def devices() -> list[HealthCheck]:
    """The available devices. Imports torch."""
    try:
        from vaezoo.system.devices import available

        return [HealthCheck("devices", name, "usable") for name in available()]
    except Exception as error:  # a broken installation may raise anything
        problem = f"torch cannot be imported: {type(error).__name__}: {error}"
        advice = "pip install --force-reinstall torch torchvision"
        return [HealthCheck("devices", "torch", "", problem, advice)]


def as_text(checks: Sequence[HealthCheck]) -> str:
    """The checks by area, and the number of problems."""
    areas = []
    for area, several in itertools.groupby(checks, key=lambda check: check.area):
        lines = [printable(line) for check in several for line in _lines(check)]
        areas.append("\n".join([area, *lines]))
    problems = sum(check.problem is not None for check in checks)
    verdict = f"{problems} problem{'s' if problems > 1 else ''} found"
    return in_log("\n\n".join([*areas, verdict if problems else "all well"]))


def _lines(check: HealthCheck) -> list[str]:
    lines = [f"  {check.subject}: {check.found}".rstrip(": ")]
    if check.problem:
        lines.append(f"    problem: {check.problem}")
    if check.advice:
        lines.append(f"    help: {check.advice}")
    return lines


def _environment() -> Iterator[HealthCheck]:
    area = "environment"
    yield HealthCheck(area, "python", f"{platform.python_version()} at {sys.executable}")
    yield HealthCheck(
        area, "system", f"{platform.system()} {platform.release()}, {platform.machine()}"
    )
    yield HealthCheck(area, "vaezoo", f"{metadata.version('vaezoo')} at {Path(__file__).parent}")
    for library in _LIBRARIES:
        try:
            yield HealthCheck(area, library, metadata.version(library))
        except metadata.PackageNotFoundError:
            yield HealthCheck(area, library, "", "not installed", f"pip install {library}")
    variables = sorted(name for name in os.environ if name.startswith("VAEZOO_"))
    yield from (HealthCheck(area, name, os.environ[name]) for name in variables)


def _folders(zoo: str | Path | None) -> Iterator[HealthCheck]:
    for folder in search_folders(zoo):
        subject = f"zoo {folder.resolve()}"
        if folder.exists() and not folder.is_dir():
            advice = "choose another folder with --zoo or VAEZOO_ZOO"
            yield HealthCheck("folders", subject, "", "not a folder", advice)
        else:
            yield HealthCheck("folders", subject, "" if folder.exists() else "not created yet")
    yield _cache()
    found = entries(zoo)
    broken = [entry for entry in found if isinstance(entry, BrokenEntry)]
    yield HealthCheck("folders", "entries", f"{len(found) - len(broken)} readable")
    for entry in broken:
        problem = f"{entry.problem.code}: {entry.problem.message}"
        yield HealthCheck("folders", f"entry {entry.path}", "", problem, entry.problem.hint)


def _cache() -> HealthCheck:
    folder = cache_folder()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    subject = f"cache {folder}"
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return HealthCheck("folders", subject, "" if folder.exists() else "not created yet")
    problem = f"{nearest} is not writable"
    advice = "set VAEZOO_CACHE to a writable folder"
    return HealthCheck("folders", subject, "", problem, advice)


def _plugins(registry: Registry, commands: Collection[str]) -> Iterator[HealthCheck]:
    components = component_rows(registry)
    for row in plugin_rows(registry, commands):
        subject = f"{row.name} {row.version}"
        supplied = sum(component.plugin == row.name for component in components)
        origin = ", ".join(filter(None, (row.distribution, row.file)))
        found = f"{_counted(supplied, 'component')}, {in_milliseconds(row.seconds)} ({origin})"
        problem = f"broken: {row.error}" if row.error else None
        if not row.error and row.state != "ok":
            found = f"{found}; {row.state}"
        yield HealthCheck("plugins", subject, found, problem, row.advice)
    for component in components:
        if component.state.startswith("broken"):
            subject = f"{component.kind} {component.plugin}:{component.name}"
            advice = f"tell the authors of {component.distribution or component.plugin}"
            yield HealthCheck("plugins", subject, "", component.state, advice)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
