"""Correct misspelled keys and names at the positions of ``validate``'s findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.diagnostics import Diagnostic, Span
from vaezoo.registry import Component, Registry
from vaezoo.registry.fields.activation import ACTIVATIONS, ActivationFunction
from vaezoo.spec.nodes import Document, Node, Path
from vaezoo.spec.reader import Reading
from vaezoo.spec.repair.edits import Edit, EditableText
from vaezoo.spec.repair.similarity import only_key, only_name
from vaezoo.spec.schema_findings import FILE_KEYS
from vaezoo.spec.structure import SchemaPlace, model_at, place_at

_VERSION: Path = ("vaezoo",)
#: Members of a grid to search for the allowed keys and names.
MAX_MEMBERS = 64


@dataclass(frozen=True)
class Correction:
    """A corrected key or value; ``paths`` are its paths in its own file.

    An anchored value has several.
    """

    edit: Edit
    paths: tuple[Path, ...]
    before: str
    after: str | int
    is_key: bool

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"

    def applied(self, data: Any, path: Path) -> Any:
        """A copy of ``data`` with the key or value at ``path`` corrected."""
        return _replaced(data, path, self)


def corrections(
    reading: Reading, own: Document, source: EditableText, registry: Registry
) -> list[Correction]:
    """The corrections of one file, with its document ``own`` and its text ``source``."""
    speller = _Speller(reading, own, source, registry)
    found = [correction for one in reading.findings if (correction := speller.correct(one))]
    by_span: dict[Span, set[Correction]] = {}
    for one in found:
        by_span.setdefault(one.edit.span, set()).add(one)
    agreed = [several.pop() for several in by_span.values() if len(several) == 1]
    targets = Counter(_target(one, path) for one in agreed for path in one.paths)
    return [one for one in agreed if all(targets[_target(one, path)] == 1 for path in one.paths)]


def _target(correction: Correction, path: Path) -> Path:
    """The path after a correction: two keys of a mapping must not become the same."""
    return (*path[:-1], correction.after) if correction.is_key else path


class Places:
    """The paths in a document by span."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.data = document.data()
        self.keys: dict[Span, list[Path]] = {}
        self.texts: dict[Span, list[Path]] = {}
        for path, node in _walk(document.root):
            if isinstance(node.content, dict):
                for name, item in node.content.items():
                    self.keys.setdefault(item.key, []).append((*path, name))
            elif isinstance(node.content, str):
                self.texts.setdefault(node.span, []).append(path)


class _Speller:
    def __init__(
        self, reading: Reading, own: Document, source: EditableText, registry: Registry
    ) -> None:
        self._own = Places(own)
        self._members = [member.text.document for member in reading.members[:MAX_MEMBERS]]
        self._merged: dict[int, Places] = {}
        self._source = source
        self._registry = registry

    def correct(self, finding: Diagnostic) -> Correction | None:
        span, own = finding.span, self._own.document
        if span is None or span.source != own.source:
            return None
        if finding.code == "VZ201":
            return self._key(span)
        if finding.code in ("VZ203", "VZ204") and own.value_span(_VERSION) == span:
            return self._version(span)
        return self._name(span) if finding.code in ("VZ301", "VZ204") else None

    def _key(self, span: Span) -> Correction | None:
        paths = self._own.keys.get(span, [])
        if not paths:
            return None
        known: set[str] = set(FILE_KEYS) if len(paths[0]) == 1 else set()
        for places in self._first_with(lambda places: span in places.keys):
            for path in places.keys[span]:
                model = model_at(path[:-1], places.data, self._registry)
                known |= set(model.model_fields) if model else set()
        for path in paths:
            parent, _ = self._own.document.closest(path[:-1])
            assert isinstance(parent.content, dict)
            known = {key for key in known if key not in parent.content}
        before = str(paths[0][-1])
        return self._corrected(span, paths, before, only_key(before, known), is_key=True)

    def _name(self, span: Span) -> Correction | None:
        paths = self._own.texts.get(span, [])
        if not paths:
            return None
        known: set[str] = set()
        for places in self._first_with(lambda places: span in places.texts):
            for path in places.texts[span]:
                known |= set(_names_at(path, places.data, self._registry))
        before = str(self._own.document.closest(paths[0])[0].content)
        return self._corrected(span, paths, before, only_name(before, known), is_key=False)

    def _version(self, span: Span) -> Correction | None:
        """Correct a format version written as text or as a float."""
        node = self._own.document.root.child("vaezoo")
        if node is None or isinstance(node.content, bool) or node.content not in ("1", 1.0):
            return None
        return Correction(Edit(span, "1"), (_VERSION,), self._source.written(span), 1, False)

    def _first_with(self, holds: Callable[[Places], bool]) -> Iterator[Places]:
        """The first member of the file's grid that satisfies ``holds``, if any."""
        for index, document in enumerate(self._members):
            places = self._merged.get(index) or Places(document)
            self._merged[index] = places
            if holds(places):
                yield places
                return

    def _corrected(
        self, span: Span, paths: Sequence[Path], before: str, after: str | None, *, is_key: bool
    ) -> Correction | None:
        written = self._source.written(span)
        if after is None or written not in (before, f"'{before}'", f'"{before}"'):
            return None  # with escapes or over several lines: leave it alone
        edit = Edit(span, written.replace(before, after))
        return Correction(edit, tuple(paths), before, after, is_key)


def _names_at(path: Path, data: Any, registry: Registry) -> Iterable[str]:
    """The names allowed at ``path``: components, activations, or choices."""
    place = place_at(path, data, registry)
    if place is None and path[-1:] == ("use",):
        place = place_at(path[:-1], data, registry)
    if place is None:
        return ()
    model = place.model
    if model is None:
        return [choice for choice in place.choices if isinstance(choice, str)]
    if issubclass(model, Component):
        return [registered.component.use for registered in registry.components(model.kind)]
    if issubclass(model, ActivationFunction):
        return ACTIVATIONS
    use = model.model_fields.get("use")
    return SchemaPlace(use.annotation).choices if use else ()


def _walk(root: Node) -> Iterator[tuple[Path, Node]]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        if isinstance(node.content, dict):
            waiting += [((*path, name), item.value) for name, item in node.content.items()]
        elif isinstance(node.content, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(node.content)]


def _replaced(data: Any, path: Path, correction: Correction) -> Any:
    if not path:
        return correction.after
    first, rest = path[0], path[1:]
    if isinstance(data, list):
        return [_replaced(v, rest, correction) if i == first else v for i, v in enumerate(data)]
    if correction.is_key and not rest:
        return {correction.after if key == first else key: v for key, v in data.items()}
    return {k: _replaced(v, rest, correction) if k == first else v for k, v in data.items()}
