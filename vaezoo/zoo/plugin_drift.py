"""Find changes in plugins since an entry's figures were computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.registry import Registered, Registry
from vaezoo.registry.stand_in import StandIn
from vaezoo.zoo.lock import code_digest, last_checked, source_of

#: The kinds of components in a loaded model.
_IN_MODEL = frozenset({"encoder", "decoder", "likelihood", "prior"})


def drift(lock: dict[str, Any], registry: Registry, name: str) -> Iterator[Diagnostic]:
    """Warnings on the entry ``name``: VZ305 for another version, VZ306 for changed code.

    Compares with the code that last computed the figures, in training or migration. For vaezoo
    itself, only changes in the files of the model's components count. Raises PluginError for a
    missing plugin.
    """
    used: dict[str, list[tuple[dict[str, Any], Registered]]] = {}
    known = last_checked(lock)
    what = "checked" if "checked" in lock else "made"
    for row in known["components"]:
        registered = registry.find(row["kind"], f"{row['plugin']}:{row['use']}")
        if not issubclass(registered.component, StandIn):
            used.setdefault(row["plugin"], []).append((row, registered))
    for plugin, pairs in used.items():
        installed, version = pairs[0][1].plugin, pairs[0][0]["version"]
        changed = _changed_files(pairs)
        if not installed.is_built_in:
            changed = _changed_code(known, plugin, pairs)
        if version != installed.version and (changed or not installed.is_built_in):
            yield Diagnostic(
                "VZ305",
                f"{name} was {what} with {plugin} {version}, {installed.label} is in use",
                hint=_install(pairs[0][0]),
                severity=Severity.WARNING,
            )
        elif changed:
            yield Diagnostic(
                "VZ306",
                f"{changed} of {installed.label} has changed since {name} was {what}",
                hint="the figures may not match the model; train it again, or restore the code",
                severity=Severity.WARNING,
            )


def _changed_files(pairs: list[tuple[dict[str, Any], Registered]]) -> str:
    """The changed files of the model's components, as text."""
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
    return f"pip install '{what}'" if row["distribution"] else "use the original version"
