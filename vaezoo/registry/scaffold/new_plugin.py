"""``new_plugin``: write a plugin package into a new folder."""

from __future__ import annotations

import importlib.resources
import os
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from string import Template

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.registry import KINDS, Registry, discover
from vaezoo.registry.scaffold import component_files
from vaezoo.registry.scaffold.plugin_names import Names
from vaezoo.system.files import check_parent


@dataclass(frozen=True)
class Created:
    """A new package: its folder, its files relative to it, and the next commands to run."""

    folder: Path
    files: tuple[str, ...]
    commands: tuple[str, ...]


def new_plugin(
    name: str,
    *,
    kinds: Sequence[str] = ("encoder",),
    hooks: bool = False,
    directory: str | Path = ".",
    registry: Registry | None = None,
) -> Created:
    """Write a complete, installable plugin into the new folder ``directory/name``.

    >>> vaezoo.new_plugin("vaezoo-mine", kinds=["encoder", "decoder"]).commands[0]
    "pip install -e 'vaezoo-mine[test]'"

    It has a working component of each of ``kinds``, tests, a spec, a README and a CI workflow,
    and with ``hooks`` also a tracker and a command. Names must not clash with the plugins in
    ``registry``, by default all plugins found.

    Raises UsageError: VZ504 for an invalid name or kind or a plugin name that is taken, VZ302 for
    a component name that is taken. Raises ZooError (VZ503) for a folder that exists or cannot be
    written.
    """
    names, kinds = Names.of(name), _in_order(kinds)
    if not (kinds or hooks):
        raise UsageError(
            Diagnostic(
                "VZ504",
                "a plugin needs a component or hooks",
                hint=f"choose hooks, or a component: {', '.join(KINDS)}",
            )
        )
    _require_free(names, kinds, registry or discover())
    folder = Path(directory) / name
    files = _files(names, kinds, hooks)
    _write(folder, files)
    commands = (
        f"pip install -e {shlex.quote(f'{folder}[test]')}",
        f"pytest {shlex.quote(str(folder))}",
        f"vaezoo run {shlex.quote(f'{folder}/specs/{names.base}.yaml')} --set train.epochs=1",
    )
    return Created(folder, tuple(sorted(files)), commands)


def _in_order(kinds: Sequence[str]) -> list[str]:
    for kind in kinds:
        if kind not in KINDS:
            hint = suggest(kind, list(KINDS), "kinds")
            raise UsageError(Diagnostic("VZ504", f"unknown kind {kind!r}", hint=hint))
    return [kind for kind in KINDS if kind in kinds]


def _require_free(names: Names, kinds: Sequence[str], registry: Registry) -> None:
    choose = "choose another name; 'vaezoo plugins list' lists those in use"
    for plugin in registry.plugins:
        if names.distribution in (plugin.name, plugin.distribution):
            message = f"the plugin {plugin.label} already exists: {plugin.origin}"
            raise UsageError(Diagnostic("VZ504", message, hint=choose))
    for registered in registry.components():
        component = registered.component
        if component.kind in kinds and component.use == names.base:
            message = (
                f"the plugin {registered.plugin.label} already has the {component.kind} "
                f"{component.use!r}"
            )
            raise UsageError(Diagnostic("VZ302", message, hint=choose))


def _files(names: Names, kinds: Sequence[str], hooks: bool) -> dict[str, str]:
    """The content of every file by its path in the package."""
    values = {
        "name": names.distribution,
        "module": names.module,
        "base": names.base,
        "title": names.title,
        "figure": f"{names.base}_error",
        "version": ".".join(metadata.version("vaezoo").split(".")[:2]),
        "summary": component_files.summary(names, kinds, hooks),
        "parts": component_files.readme_parts(names, kinds, hooks),
    }
    source = f"src/{names.module}"
    files = {
        ".github/workflows/test.yml": _filled("test.yml", values),
        ".gitignore": _filled("gitignore", values),
        "README.md": _filled("README.md", values),
        "pyproject.toml": _filled("pyproject.toml", values),
        f"specs/{names.base}.yaml": component_files.spec(names, kinds),
        f"{source}/__init__.py": _filled("init.py", values)
        + component_files.init(names, kinds, hooks),
        f"{source}/py.typed": "",
        "tests/test_conformance.py": component_files.tests(names, kinds),
        "tests/test_spec.py": _filled("test_spec.py", values),
    }
    for kind in kinds:
        files[f"{source}/{kind}.py"] = _filled(f"kinds/{kind}.py", values)
    if hooks:
        files[f"{source}/hooks.py"] = _filled("hooks.py", values)
    return files


def _filled(template: str, values: dict[str, str]) -> str:
    home = importlib.resources.files("vaezoo.registry.scaffold") / "templates"
    text = home.joinpath(f"{template}.txt").read_text("utf-8")
    return Template(text).substitute(values)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write all files or none: into a temporary folder first."""
    if os.path.lexists(folder):
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"{folder} already exists; nothing was written",
                hint="choose another name, or another folder with --directory",
            )
        )
    try:
        check_parent(folder)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for path, text in files.items():
                place = temporary / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, "utf-8")
            temporary.chmod(0o755)  # temporary folders are private
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"cannot write {folder}: {error.strerror or error}",
                hint="choose a folder that you can write to with --directory",
            )
        ) from None
