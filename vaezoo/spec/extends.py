"""``extends``: build a spec on one or more base specs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

from vaezoo.diagnostics import Diagnostic, Related, Span, SpecError
from vaezoo.spec.document import load_document, parse_document
from vaezoo.spec.merge import merge
from vaezoo.spec.nodes import Document, Node
from vaezoo.spec.stdin import beside

#: Limit on the number of files in one spec.
MAX_FILES = 32
#: The default: read every file from disk.
NOT_FROM_FILES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True)
class Layers:
    """The files of a spec, the lowest base first and the spec itself last.

    Each file appears once, before everything that extends it. In a diamond the common base
    therefore does not override either side.
    """

    source: str
    roots: tuple[Node, ...]
    findings: tuple[Diagnostic, ...]
    extenders: Mapping[str, tuple[Related, ...]]

    def states(self) -> list[Node]:
        """The merged tree after each layer, the lowest base alone first."""
        return list(accumulate(self.roots, merge))

    def document(self) -> Document:
        """All layers merged."""
        return Document(self.source, self.states()[-1])

    def traced(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Add to each finding in a base the specs that extend it."""
        return [_traced(finding, self.extenders) for finding in findings]


def load_layers(path: str | Path, texts: Mapping[str, bytes] = NOT_FROM_FILES) -> Layers:
    """Load a spec file and everything it extends.

    ``texts`` replaces the content of files, by real path.

    Raises SpecError with the findings of all files if one cannot be used.
    """
    files = _Files(path, texts)
    files.visit(path, ())
    if files.errors:
        found = [*files.findings, *files.errors]
        raise SpecError(*(_traced(finding, files.extenders) for finding in found))
    source = path if isinstance(path, str) else str(path)
    return Layers(source, tuple(files.roots), tuple(files.findings), files.extenders)


class _Files:
    """Loads the files of one spec, each once, every base before what extends it."""

    def __init__(self, first: str | Path, texts: Mapping[str, bytes]) -> None:
        self._texts = texts
        self._tree = Path(os.path.realpath(beside(first)))
        self._sources: dict[Path, str] = {}
        self.roots: list[Node] = []
        self.findings: list[Diagnostic] = []
        self.errors: list[Diagnostic] = []
        self.extenders: dict[str, tuple[Related, ...]] = {}

    def visit(self, path: str | Path, chain: tuple[Path, ...]) -> None:
        """Load the file's bases, then the file; ``chain`` holds the files that extend it."""
        try:
            document, findings = self._load(path)
        except SpecError as error:
            self.errors += error.diagnostics
            return
        self.findings += findings
        root = document.root
        assert isinstance(root.content, dict)
        extends = root.content.get("extends")
        if extends:
            chain = (*chain, Path(os.path.realpath(path)))
            for node in _listed(extends.value):
                self._follow(node, path, chain)
            own = {name: item for name, item in root.content.items() if name != "extends"}
            root = Node(own, root.span)
        self.roots.append(root)

    def _load(self, path: str | Path) -> tuple[Document, list[Diagnostic]]:
        text = self._texts.get(os.path.realpath(path)) if self._texts else None
        return load_document(path) if text is None else parse_document(text, str(path))

    def _follow(self, node: Node, path: str | Path, chain: tuple[Path, ...]) -> None:
        try:
            base = self._base(node, path, chain)
        except SpecError as error:
            self.errors += error.diagnostics
            return
        real = Path(os.path.realpath(base))
        is_new = real not in self._sources
        source = self._sources.setdefault(real, str(base))
        extender = Related(f"extended by {os.path.basename(path)}", node.span)
        self.extenders[source] = (*self.extenders.get(source, ()), extender)
        if is_new:
            self.visit(base, chain)

    def _base(self, node: Node, path: str | Path, chain: tuple[Path, ...]) -> Path:
        """Resolve an entry of ``extends``. Raises SpecError (VZ206)."""
        if not isinstance(node.content, str) or not node.content:
            hint = "write extends: base.yaml, or a list of paths"
            raise _error("'extends' must be the path of a spec", node.span, hint)
        base = beside(path) / node.content
        try:
            real = Path(os.path.realpath(base))
        except ValueError:  # a NUL
            raise _error(f"{node.content!r} is not a valid path", node.span) from None
        if Path(node.content).is_absolute() or not real.is_relative_to(self._tree):
            message = f"base spec {node.content!r} is outside the folder of the first spec"
            raise _error(message, node.span, "move it into that folder, or below it")
        if real in chain:
            names = " → ".join(file.name for file in (*chain[chain.index(real) :], real))
            hint = "remove one of these extends keys"
            raise _error(f"these specs extend each other: {names}", node.span, hint)
        if len(self._sources) >= MAX_FILES and real not in self._sources:
            raise _error(f"the spec extends more than {MAX_FILES} files", node.span)
        if not os.path.exists(real):
            raise _error(
                f"base spec {node.content!r} not found", node.span, f"expected it at {base}"
            )
        return base


def _error(message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic("VZ206", message, span, hint=hint))


def _listed(node: Node) -> list[Node]:
    return node.content if isinstance(node.content, list) else [node]


def _traced(finding: Diagnostic, extenders: Mapping[str, tuple[Related, ...]]) -> Diagnostic:
    if finding.span is None or finding.span.source not in extenders:
        return finding
    others = tuple(dict.fromkeys(_upward(finding.span.source, extenders)))
    return replace(finding, related=(*finding.related, *others))


def _upward(source: str, extenders: Mapping[str, tuple[Related, ...]]) -> Iterator[Related]:
    """The specs that extend a file, directly or indirectly, nearest first."""
    reached = [source]
    for below in reached:
        for extender in extenders.get(below, ()):
            yield extender
            if extender.span.source not in reached:
                reached.append(extender.span.source)
