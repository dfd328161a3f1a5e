"""``extends``: a spec that says only how it differs from another one."""

from __future__ import annotations

from pathlib import Path

from vaezoo.diagnostics import Diagnostic, Span, SpecError
from vaezoo.spec.document import load_document
from vaezoo.spec.merge import merge
from vaezoo.spec.nodes import Document, Node

MOST_BASES = 32


def load_with_bases(path: str | Path) -> tuple[Document, list[Diagnostic]]:
    """A spec file laid over the files that it extends, and findings that do not stop us."""
    bases = _Bases(Path(path))
    root = bases.resolve(Path(path), ())
    return Document(str(path), root), bases.findings


class _Bases:
    """The files that one spec is made of, each read once."""

    def __init__(self, first: Path) -> None:
        self._tree = first.parent.resolve()
        self._resolved: dict[Path, Node] = {}
        self.findings: list[Diagnostic] = []

    def resolve(self, path: Path, chain: tuple[Path, ...]) -> Node:
        """The file merged over its bases; ``chain`` is who extends it, the first file first."""
        real = path.resolve()
        if real in self._resolved:
            return self._resolved[real]
        try:
            document, findings = load_document(path)
        except SpecError as error:
            raise SpecError(*self.findings, *error.diagnostics) from None
        self.findings += findings
        root = document.root
        assert isinstance(root.content, dict)
        extends = root.content.get("extends")
        if extends:
            own = {name: item for name, item in root.content.items() if name != "extends"}
            root = self._over_bases(Node(own, root.span), extends.value, path, (*chain, real))
        self._resolved[real] = root
        return root

    def _over_bases(self, own: Node, extends: Node, path: Path, chain: tuple[Path, ...]) -> Node:
        """``own`` over its bases, of which a later one lies over an earlier one."""
        listed = extends.content if isinstance(extends.content, list) else [extends]
        below: Node | None = None
        for node in listed:
            base = self._base(node, path, chain)
            below = merge(below, base) if below else base
        return merge(below, own) if below else own

    def _base(self, node: Node, path: Path, chain: tuple[Path, ...]) -> Node:
        if not isinstance(node.content, str) or not node.content:
            hint = "extends: base.yaml, or a list of such paths"
            raise self._refused("'extends' must be the path of a spec", node.span, hint)
        base = path.parent / node.content
        try:
            real = base.resolve()
        except (OSError, ValueError, RuntimeError):  # a NUL, or links in a circle
            raise self._refused(f"{node.content!r} is not a path", node.span) from None
        if Path(node.content).is_absolute() or not real.is_relative_to(self._tree):
            hint = "a base lies in the folder of the first spec, or below it"
            raise self._refused(f"the base {node.content!r} is out of bounds", node.span, hint)
        if real in chain:
            names = " → ".join(file.name for file in (*chain[chain.index(real) :], real))
            raise self._refused(f"these specs extend each other: {names}", node.span)
        if len(chain) > MOST_BASES:
            raise self._refused(f"more than {MOST_BASES} specs extend one another", node.span)
        if not real.is_file():
            raise self._refused(
                f"the base {node.content!r} is not there", node.span, f"looked for {base}"
            )
        return self.resolve(base, chain)

    def _refused(self, message: str, span: Span, hint: str | None = None) -> SpecError:
        return SpecError(*self.findings, Diagnostic("VZ206", message, span, hint=hint))
