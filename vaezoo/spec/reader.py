"""From a file, or from data, to a ``Spec``: with every finding at once, or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vaezoo.diagnostics import Diagnostic, Severity, SpecError
from vaezoo.registry import Registry
from vaezoo.spec.checks import check
from vaezoo.spec.extends import load_with_bases
from vaezoo.spec.findings import Translator
from vaezoo.spec.nodes import Document
from vaezoo.spec.overrides import apply_overrides
from vaezoo.spec.schema import Spec


def read(path: str | Path, *, overrides: Sequence[str] = (), registry: Registry) -> Spec:
    """The spec that a file holds, with ``overrides`` such as ``"loss.beta=2"`` on top.

    Raises SpecError with all findings, each with its place in the file, base or override.
    """
    spec, _, findings = examine(path, overrides=overrides, registry=registry)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors or spec is None:
        raise SpecError(*errors)
    return spec


def from_data(data: dict[str, Any], registry: Registry) -> Spec:
    """The spec that ``data`` holds, as ``Spec.canonical`` or a weights file gives it.

    Raises SpecError with all findings.
    """
    spec, findings = _validated(data, registry, None)
    if spec is None:
        raise SpecError(*findings)
    problems = check(spec)
    if problems:
        raise SpecError(*problems)
    return spec


def examine(
    path: str | Path, *, overrides: Sequence[str] = (), registry: Registry
) -> tuple[Spec | None, Document | None, list[Diagnostic]]:
    """Read a file as far as it goes: the spec if it is one, the document, all findings."""
    try:
        document, findings = load_with_bases(path)
    except SpecError as error:
        return None, None, list(error.diagnostics)
    document, about_overrides = apply_overrides(document, tuple(overrides))
    spec, about_schema = _validated(document.data(), registry, document)
    about_sense = check(spec, document) if spec else []
    found = [*findings, *about_overrides, *about_schema, *about_sense]
    return spec, document, found


def _validated(
    data: Any, registry: Registry, document: Document | None
) -> tuple[Spec | None, list[Diagnostic]]:
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        return None, [Diagnostic("VZ203", f"this is not JSON data: {error}")]
    try:
        spec = Spec.model_validate_json(text, strict=True, context={"registry": registry})
    except ValidationError as error:
        return None, Translator(data, registry, document).findings(error)
    return spec, []
