"""Turn pydantic's errors into findings with positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from vaezoo.diagnostics import Diagnostic, Span, nearest, suggest
from vaezoo.diagnostics.confusables import plain, unmasked
from vaezoo.registry import Component, Registry
from vaezoo.spec.error_messages import Message, dotted, explain, wrong_length
from vaezoo.spec.nodes import Document, Path
from vaezoo.spec.structure import model_at, place_at
from vaezoo.spec.union_errors import LocatedError, located

#: Keys that a file may have besides those of ``Spec``.
FILE_KEYS = ("extends", "matrix")


@dataclass(frozen=True)
class Translator:
    """Turns the errors of one spec into findings, with positions if there is a document."""

    data: Any
    registry: Registry
    document: Document | None = None

    def findings(self, error: ValidationError) -> list[Diagnostic]:
        """The findings, at most one for each value and key."""
        found: dict[tuple[Path, str], Diagnostic] = {}
        for one in located(error.errors(include_url=False), self.data, self._is_known):
            key, finding = self._finding(one)
            if finding:
                found.setdefault(key, finding)
        misspelled = {self._intended(path) for path, group in found if group == "extra_forbidden"}
        return [f for (path, group), f in found.items() if (path, group) not in misspelled]

    def _finding(self, error: LocatedError) -> tuple[tuple[Path, str], Diagnostic | None]:
        """The finding and its key for deduplication; None if the length is right as written."""
        path, kind = error.path, error.kind
        if kind == "missing" and isinstance(path[-1], int):
            path, kind = path[:-1], "too_short"  # pydantic reports a short tuple as missing items
        place = place_at(path, self.data, self.registry)
        if kind == "extra_forbidden":
            return (path, kind), _with_lookalikes(self._unknown_key(path), str(path[-1]))
        if kind == "missing":
            return (path, kind), self._missing_key(path)
        if kind in ("too_short", "too_long"):
            value = self._value(path)
            if isinstance(value, list | dict):
                message = wrong_length(value, error.details, path, place)
                finding = self._at_value(message, path) if message else None
                return (path, "length"), finding
        finding = self._at_value(explain(error, place), path)
        text = None if kind == "string_too_long" else _name_in(self._value(path))
        return (path, "value"), _with_lookalikes(finding, text)

    def _is_known(self, path: Path) -> bool:
        return place_at(path, self.data, self.registry) is not None

    def _value(self, path: Path) -> Any:
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):  # a default
                return None
        return value

    def _at_value(self, message: Message, path: Path) -> Diagnostic:
        use = (*path, "use")
        named = message.code.startswith("VZ3") and self._value_span(use)
        span = named or self._value_span(path) or self._enclosing_key(path)
        return Diagnostic(message.code, message.text, span, hint=message.hint)

    def _intended(self, path: Path) -> tuple[Path, str] | None:
        """The missing key that a misspelled one was meant to be, so that it is not reported too."""
        model = model_at(path[:-1], self.data, self.registry)
        close = nearest(plain(str(path[-1])), model.model_fields) if model else None
        return ((*path[:-1], close), "missing") if close else None

    def _unknown_key(self, path: Path) -> Diagnostic:
        key, where = str(path[-1]), path[:-1]
        model = model_at(where, self.data, self.registry)
        span = self.document.key_span(path) if self.document else None
        owner = _owner(model, where)
        if model and issubclass(model, Component):
            text, noun = f"{owner} has no parameter {key!r}", "parameters"
        else:
            text, noun = f"unknown key {key!r}" + (f" in {owner}" if where else ""), "keys"
        known = list(model.model_fields) if model else []
        if not where and self.document:
            known += FILE_KEYS
        hint = suggest(plain(key), known, noun) if model else None
        return Diagnostic("VZ201", text, span, hint=hint)

    def _missing_key(self, path: Path) -> Diagnostic:
        key, where = str(path[-1]), path[:-1]
        model = model_at(where, self.data, self.registry)
        is_component = model is not None and issubclass(model, Component)
        noun = "parameter" if is_component else "key"
        field = model.model_fields.get(key) if model else None
        hint = f"{key}: {field.description}" if field and field.description else None
        text = f"{_owner(model, where)} is missing the {noun} {key!r}"
        return Diagnostic("VZ202", text, self._enclosing_key(path), hint=hint)

    def _value_span(self, path: Path) -> Span | None:
        return self.document.value_span(path) if self.document else None

    def _enclosing_key(self, path: Path) -> Span | None:
        if self.document is None:
            return None
        _, depth = self.document.closest(path)
        return self.document.key_span(path[: min(depth, len(path) - 1)] if path else ())


def _owner(model: type[BaseModel] | None, where: Path) -> str:
    if model and issubclass(model, Component):
        return f"the {model.kind} {model.use!r}"
    return repr(dotted(where)) if where else "the spec"


def _name_in(value: Any) -> Any:
    return value.get("use") if isinstance(value, dict) else value


def _with_lookalikes(finding: Diagnostic, text: Any) -> Diagnostic:
    """The finding, with a hint about characters that look like others."""
    masked = unmasked(text) if isinstance(text, str) else None
    if masked is None:
        return finding
    hint = f"contains {masked}"
    return replace(finding, hint=f"{hint}\n{finding.hint}" if finding.hint else hint)
