"""What is not as it was when an entry was made: versions and code of its plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.registry import Registered, Registry
from vaezoo.zoo.lock import code_digest, is_built_in, source_of

#: The kinds that a loaded model is built from.
_IN_MODEL = frozenset({"encoder", "decoder", "likelihood", "prior"})


def drift(lock: dict[str, Any], registry: Registry, name: str) -> Iterator[Diagnostic]:
    """Warnings about the entry ``name``: VZ305 for another version, VZ306 for changed code.

    Of vaezoo itself only the files that the model is built from are looked at: a new version
    that leaves them as they were is no news. Raises PluginError for a plugin that is missing.
    """
    used: dict[str, list[tuple[dict[str, Any], Registered]]] = {}
    for row in lock["components"]:
        registered = registry.find(row["kind"], f"{row['plugin']}:{row['use']}")
        used.setdefault(row["plugin"], []).append((row, registered))
    for plugin, pairs in used.items():
        here, version = pairs[0][1].plugin, pairs[0][0]["version"]
        changed = _changed_files(pairs) if is_built_in(here) else _changed_code(lock, plugin, pairs)
        if version != here.version and (changed or not is_built_in(here)):
            yield Diagnostic(
                "VZ305",
                f"{name} was made with {plugin} {version}, {here.label} is in use",
                hint=_install(pairs[0][0]),
                severity=Severity.WARNING,
            )
        elif changed:
            yield Diagnostic(
                "VZ306",
                f"{changed} of {here.label} has changed since {name} was made",
                hint="the model may not be what its figures say; train it again, or get that "
                "code back",
                severity=Severity.WARNING,
            )


def _changed_files(pairs: list[tuple[dict[str, Any], Registered]]) -> str:
    """The files of the model's components that are not as they were, in words."""
    changed = [
        row["file"]
        for row, registered in pairs
        if row["kind"] in _IN_MODEL and row["sha256"] != source_of(registered.component)[1]
    ]
    return " and ".join(dict.fromkeys(changed))


def _changed_code(
    lock: dict[str, Any], plugin: str, pairs: list[tuple[dict[str, Any], Registered]]
) -> str:
    recorded = [row["sha256"] for row in lock["plugins"] if row["name"] == plugin]
    now = code_digest(registered.component for _, registered in pairs)
    return "the code" if recorded and recorded != [now] else ""


def _install(row: dict[str, Any]) -> str:
    what = f"{row['distribution']}=={row['version']}"
    return f"pip install '{what}'" if row["distribution"] else "use the version it was made with"
