"""``extends``: a spec that says only how it differs from another one."""

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

#: Most files that one spec may be made of.
MOST_FILES = 32
#: No texts in place of files.
NOT_FROM_FILES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True)
class Layers:
    """The files that a spec is made of, the lowest base first and the spec itself last.

    Each file counts once, below everything that extends it: in a diamond the common base lies
    under both sides, and does not undo what the first of them says.
    """

    source: str
    roots: tuple[Node, ...]
    findings: tuple[Diagnostic, ...]
    extenders: Mapping[str, tuple[Related, ...]]

    def states(self) -> list[Node]:
        """The spec after each layer: the lowest base alone, …, everything together."""
        return list(accumulate(self.roots, merge))

    def document(self) -> Document:
        """All layers as one."""
        return Document(self.source, self.states()[-1])

    def traced(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Each finding in a base with the specs that extend it, up to the first one."""
        return [_traced(finding, self.extenders) for finding in findings]


def load_layers(path: str | Path, texts: Mapping[str, bytes] = NOT_FROM_FILES) -> Layers:
    """A spec file and all that it extends.

    ``texts`` are read in place of files, by their real paths.

    Raises SpecError where one of the files cannot be used, with what is wrong in each of them.
    """
    files = _Files(path, texts)
    files.visit(path, ())
    if files.errors:
        found = [*files.findings, *files.errors]
        raise SpecError(*(_traced(finding, files.extenders) for finding in found))
    source = path if isinstance(path, str) else str(path)
    return Layers(source, tuple(files.roots), tuple(files.findings), files.extenders)


class _Files:
    """The files that one spec is made of, each read once, every base before what extends it."""

    def __init__(self, first: str | Path, texts: Mapping[str, bytes]) -> None:
        self._texts = texts
        self._tree = Path(os.path.realpath(beside(first)))
        self._sources: dict[Path, str] = {}
        self.roots: list[Node] = []
        self.findings: list[Diagnostic] = []
        self.errors: list[Diagnostic] = []
        self.extenders: dict[str, tuple[Related, ...]] = {}

    def visit(self, path: str | Path, chain: tuple[Path, ...]) -> None:
        """Take the file's bases and then itself; ``chain`` is who extends it."""
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
        """The file that an entry of ``extends`` means. Raises SpecError (VZ206)."""
        if not isinstance(node.content, str) or not node.content:
            hint = "extends: base.yaml, or a list of such paths"
            raise _refused("'extends' must be the path of a spec", node.span, hint)
        base = beside(path) / node.content
        try:
            real = Path(os.path.realpath(base))
        except ValueError:  # a NUL
            raise _refused(f"{node.content!r} is not a path", node.span) from None
        if Path(node.content).is_absolute() or not real.is_relative_to(self._tree):
            hint = "a base lies in the folder of the first spec, or below it"
            raise _refused(f"the base {node.content!r} is out of bounds", node.span, hint)
        if real in chain:
            names = " → ".join(file.name for file in (*chain[chain.index(real) :], real))
            raise _refused(f"these specs extend each other: {names}", node.span)
        if len(self._sources) >= MOST_FILES and real not in self._sources:
            raise _refused(f"more than {MOST_FILES} specs extend one another", node.span)
        if not os.path.exists(real):
            hint = f"looked for {base}"
            raise _refused(f"the base {node.content!r} is not there", node.span, hint)
        return base


def _refused(message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic("VZ206", message, span, hint=hint))


def _listed(node: Node) -> list[Node]:
    return node.content if isinstance(node.content, list) else [node]


def _traced(finding: Diagnostic, extenders: Mapping[str, tuple[Related, ...]]) -> Diagnostic:
    if finding.span is None or finding.span.source not in extenders:
        return finding
    others = tuple(dict.fromkeys(_upward(finding.span.source, extenders)))
    return replace(finding, related=(*finding.related, *others))


def _upward(source: str, extenders: Mapping[str, tuple[Related, ...]]) -> Iterator[Related]:
    """Who extends a file, and who extends that, nearest first."""
    reached = [source]
    for below in reached:
        for extender in extenders.get(below, ()):
            yield extender
            if extender.span.source not in reached:
                reached.append(extender.span.source)
