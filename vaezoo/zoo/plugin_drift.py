"""What is not as it was when an entry's figures were taken: versions and code of its plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.registry import Registered, Registry
from vaezoo.zoo.lock import code_digest, is_built_in, last_checked, source_of

#: The kinds that a loaded model is built from.
_IN_MODEL = frozenset({"encoder", "decoder", "likelihood", "prior"})


def drift(lock: dict[str, Any], registry: Registry, name: str) -> Iterator[Diagnostic]:
    """Warnings about the entry ``name``: VZ305 for another version, VZ306 for changed code.

    Looks at the code by which its figures were last taken: in training, or as it was migrated.
    Of vaezoo itself only the files that the model is built from are looked at: a new version
    that leaves them as they were is no news. Raises PluginError for a plugin that is missing.
    """
    used: dict[str, list[tuple[dict[str, Any], Registered]]] = {}
    known = last_checked(lock)
    what = "checked" if "checked" in lock else "made"
    for row in known["components"]:
        registered = registry.find(row["kind"], f"{row['plugin']}:{row['use']}")
        used.setdefault(row["plugin"], []).append((row, registered))
    for plugin, pairs in used.items():
        here, version = pairs[0][1].plugin, pairs[0][0]["version"]
        changed = _changed_files(pairs)
        if not is_built_in(here):
            changed = _changed_code(known, plugin, pairs)
        if version != here.version and (changed or not is_built_in(here)):
            yield Diagnostic(
                "VZ305",
                f"{name} was {what} with {plugin} {version}, {here.label} is in use",
                hint=_install(pairs[0][0]),
                severity=Severity.WARNING,
            )
        elif changed:
            yield Diagnostic(
                "VZ306",
                f"{changed} of {here.label} has changed since {name} was {what}",
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
    known: dict[str, Any], plugin: str, pairs: list[tuple[dict[str, Any], Registered]]
) -> str:
    recorded = [row["sha256"] for row in known["plugins"] if row["name"] == plugin]
    now = code_digest(registered.component for _, registered in pairs)
    return "the code" if recorded and recorded != [now] else ""


def _install(row: dict[str, Any]) -> str:
    what = f"{row['distribution']}=={row['version']}"
    return f"pip install '{what}'" if row["distribution"] else "use the version it was made with"
