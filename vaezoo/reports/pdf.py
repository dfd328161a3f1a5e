"""A report as a PDF for A4, set by Typst: a wheel without system libraries, and no network.

The PDF is tagged, and its bytes depend on the report and the version of Typst alone.
"""

from __future__ import annotations

from functools import singledispatchmethod
from itertools import count
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.diagnostics.printable import printable
from vaezoo.reports.blocks import (
    Block,
    Bullets,
    Code,
    Derivation,
    Formula,
    Listing,
    Math,
    Notice,
    Paragraph,
    Picture,
    PlainText,
    Prose,
    ReportDocument,
    Section,
    Side,
    Strong,
    Table,
)
from vaezoo.reports.tex_to_svg import set_formula

if TYPE_CHECKING:
    from types import ModuleType

_DISPLAYED = 1.08

_STYLE = """
#set page(paper: "a4", margin: (x: 15mm, top: 12mm, bottom: 13.5mm), footer-descent: 25%,
  footer: context [#set text(7.5pt, fill: rgb("#57606a"))
    #footing #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: "Libertinus Serif", size: 9pt, lang: "en", fill: rgb("#1b1f24"))
#set par(justify: true, leading: 0.45em, spacing: 0.58em)
#set list(indent: 0.2em, spacing: 0.55em)
#set table(stroke: none, inset: (x: 3pt, y: 2.2pt))
#set figure(gap: 4pt)
#show figure: set block(breakable: false, spacing: 0.8em)
#show figure.caption: it => block(width: 100%, {
  set text(7.6pt, fill: rgb("#57606a")); set par(leading: 0.42em); set align(left)
  text(fill: rgb("#1b1f24"), weight: "bold")[
    #it.supplement #context it.counter.display(it.numbering).]
  [ ]
  it.body })
#show raw: set text(font: "DejaVu Sans Mono", size: 0.83em)
#show heading: set text(11pt, fill: rgb("#1f4f9f"))
#show heading: set block(above: 0.85em, below: 0.5em, sticky: true)
#let muted(body) = text(fill: rgb("#57606a"), body)
#let listing(body) = block(width: 100%, breakable: false,
  fill: rgb("#f5f7f9"), radius: 3pt,
  inset: 6pt, spacing: 0.8em, { set par(justify: false, leading: 0.45em); set text(7.8pt)
  body })
#let notice(body) = block(width: 100%, fill: rgb("#fff4ee"), inset: (x: 7pt, y: 5pt),
  stroke: (left: 2.5pt + rgb("#d9480f")), breakable: false, spacing: 0.8em, body)
#let picture(file, description) = layout(size => {
  let wide = image(file, width: size.width, alt: description)
  if measure(wide).height <= 56mm { wide } else { image(file, height: 56mm, alt: description) }
})
#let formula(body, number) = block(width: 100%, spacing: 0.55em, breakable: false,
  grid(columns: (1fr, auto, 1fr), align: (left, center, right + horizon), [], body, muted(number)))
"""


def typst_missing() -> Diagnostic | None:
    """What to do about Typst where it is not installed."""
    try:
        _typst()
    except ZooError as error:
        return error.diagnostics[0]
    return None


def to_pdf(document: ReportDocument) -> bytes:
    """The report as the bytes of a PDF.

    Raises ZooError (VZ503) where Typst is not installed.
    """
    typst = _typst()
    import tempfile
    from pathlib import Path

    source = _Source()
    text = source.render(document)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, data in source.files.items():
            (folder / file).write_bytes(data)
        (folder / "report.typ").write_text(text, "utf-8")
        pdf: bytes = typst.compile(
            folder / "report.typ", root=folder, format="pdf", ignore_system_fonts=True, timestamp=0
        )
    return pdf


def _typst() -> ModuleType:
    try:
        import typst
    except ImportError:
        raise ZooError(
            Diagnostic(
                "VZ503",
                "a PDF cannot be written: typst, which sets it, is not installed",
                hint="pip install 'vaezoo[pdf]', or leave the PDF out: HTML needs nothing more",
            )
        ) from None
    module: ModuleType = typst
    return module


class _Source:
    """Writes one document as Typst's markup; pictures and formulas are ``files`` beside it.

    Text stands in string literals only, so that nothing in it is taken for markup.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._numbers = count(1)
        self._formulas: dict[str, str] = {}

    def render(self, document: ReportDocument) -> str:
        title = _literal(document.title)
        return "\n".join(
            [
                f"#set document(title: {title}, date: none)",
                f"#let footing = [#{title}]",
                _STYLE,
                f'#block(below: 0.55em, text(17pt, weight: "bold", {title}))',
                f"#muted[{self._prose(document.subtitle)}]",
                '#v(-0.35em)\n#line(length: 100%, stroke: 1.2pt + rgb("#1f5fbf"))',
                *map(self.block, document.notices),
                *map(self._section, document.sections),
            ]
        )

    def _section(self, section: Section) -> str:
        blocks = "\n".join(map(self.block, section.blocks))
        return f"#heading(level: 1, {_literal(section.title)})\n{blocks}"

    @singledispatchmethod
    def block(self, block: Block) -> str:
        raise TypeError(f"no Typst for {type(block).__name__}")

    @block.register
    def _(self, block: Paragraph) -> str:
        return f"#par[{self._prose(block.line)}]"

    @block.register
    def _(self, block: Formula) -> str:
        return f"#formula({self._math(block.tex, _DISPLAYED)}, [({block.number})])"

    @block.register
    def _(self, block: Derivation) -> str:
        rows = []
        for row, step in enumerate(block.steps):
            left = "" if row else f"#{self._math(block.left, _DISPLAYED)}"
            right = " ".join(f"#{self._math(piece, _DISPLAYED)}" for piece in step.tex)
            rows.append(f"[{left}], [{right}], [#muted[{self._prose(step.why)}]]")
        grid = (
            "grid(columns: 3, align: left + horizon, column-gutter: (3pt, 9pt), "
            f"row-gutter: 2.5pt, {', '.join(rows)})"
        )
        number = "" if block.number is None else f"({block.number})"
        return f"#formula({grid}, [{number}])"

    @block.register
    def _(self, block: Table) -> str:
        sides = {"l": "left", "r": "right"}
        align = ", ".join(sides[side] for side in block.align)
        # the last column of text takes what the others leave
        widest = block.align.rindex("l")
        widths = ", ".join("1fr" if i == widest else "auto" for i in range(len(block.align)))
        head = ", ".join(f"[*{self._prose(cell)}*]" for cell in block.head)
        rows = "\n".join(
            ", ".join(f"[{self._prose(cell)}]" for cell in row) + "," for row in block.rows
        )
        lines = '(_, y) => if y == 0 { (bottom: 0.6pt + rgb("#8a949e")) } else '
        lines += '{ (bottom: 0.4pt + rgb("#eceff2")) }'
        caption = f"\n#text(7.6pt)[#muted[{self._prose(block.caption)}]]" if block.caption else ""
        return (
            f"#block(breakable: false, spacing: 0.8em)[#set text(8.4pt)\n"
            f"#set par(justify: false)\n"
            f"#table(columns: ({widths},), align: ({align},), stroke: {lines},\n"
            f"table.header({head}),\n{rows}){caption}]"
        )

    @block.register
    def _(self, block: Picture) -> str:
        file = f"picture-{next(self._numbers)}.{block.format}"
        self.files[file] = block.data
        image = f'picture("{file}", {_literal(block.alt)})'
        return (
            f"#figure({image}, kind: image, supplement: [Figure], "
            f"caption: [{self._prose(block.caption)}])"
        )

    @block.register
    def _(self, block: Listing) -> str:
        # Typst fills one column after the other and does not balance them
        lines = block.text.split("\n")
        rows = -(-len(lines) // block.columns)
        parts = ("\n".join(lines[at : at + rows]) for at in range(0, len(lines), rows))
        cells = ", ".join(f"raw({_literal(part)}, block: true)" for part in parts)
        return f"#listing(grid(columns: {block.columns} * (1fr,), column-gutter: 10pt, {cells}))"

    @block.register
    def _(self, block: Bullets) -> str:
        return f"#list({', '.join(f'[{self._prose(item)}]' for item in block.items)})"

    @block.register
    def _(self, block: Notice) -> str:
        return f"#notice[{self._prose(block.line)}]"

    @block.register
    def _(self, block: Side) -> str:
        shares = ", ".join(f"{share:g}fr" for share in block.shares)
        columns = ", ".join(
            "[" + "\n".join(map(self.block, column)) + "]" for column in block.columns
        )
        return f"#grid(columns: ({shares},), column-gutter: 5mm, {columns})"

    def _prose(self, line: Prose) -> str:
        return "".join(map(self._inline, line))

    def _inline(self, part: PlainText | Strong | Code | Math) -> str:
        match part:
            case Strong(text):
                return f"#strong({_literal(text)})"
            case Code(text):
                return f"#raw({_literal(text)})"
            case Math(tex):
                return f"#{self._math(tex, 1)}"
            case PlainText(text):
                return f"#{_literal(text)};"

    def _math(self, tex: str, scale: float) -> str:
        setting = set_formula(tex)
        if tex not in self._formulas:
            self._formulas[tex] = f"formula-{len(self._formulas) + 1}.svg"
            self.files[self._formulas[tex]] = setting.svg().encode()
        width, height, depth = (
            f"{scale * size:.4f}em" for size in (setting.width, setting.height, setting.depth)
        )
        image = f'image("{self._formulas[tex]}", width: {width}, height: {height}'
        return f"box(baseline: {depth}, {image}, alt: {_literal(tex)}))"


def _literal(text: str) -> str:
    """A string of Typst."""
    shown = printable(text, keep="\n\t")
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
