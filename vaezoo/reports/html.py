"""A report as one page of HTML that needs nothing beside it: no script, no font, no request."""

from __future__ import annotations

import base64
from functools import singledispatchmethod
from itertools import count

from vaezoo.diagnostics.printable import in_html as escape
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

_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
#: how much larger than the text a formula on a line of its own is set
_DISPLAYED = 1.08

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.5rem 3rem; max-width: 62rem; background: #fff;
  color: #1b1f24; font: 1rem/1.48 "Libertinus Serif", Charter, "Bitstream Charter",
  "Source Serif 4", Cambria, Georgia, serif; }
header { border-bottom: 2px solid #1f5fbf; margin-bottom: 1.1rem; padding-bottom: .5rem; }
h1 { font-size: 1.75rem; line-height: 1.15; margin: 0 0 .2rem; overflow-wrap: anywhere; }
header p { margin: 0; color: #57606a; }
h2 { font-size: 1.13rem; margin: 1.3rem 0 .35rem; color: #1f4f9f; break-after: avoid; }
p { margin: .45rem 0; hyphens: auto; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
li { margin: .22rem 0; }
code, pre { font-family: "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace;
  font-size: .8em; }
code { overflow-wrap: anywhere; }
pre { background: #f5f7f9; border-radius: 4px; padding: .55rem .75rem; margin: .5rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.4; column-gap: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9em; margin: .5rem 0;
  break-inside: avoid; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.scroll table { margin: 0; }
th, td { padding: .16rem .6rem .16rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: 1px solid #8a949e; font-weight: 600; }
tbody tr + tr td { border-top: 1px solid #eceff2; }
.l { text-align: left; }
.wide { width: 100%; }
.key { white-space: nowrap; }
.key code { overflow-wrap: normal; }
.r { text-align: right; white-space: nowrap; }
figure { margin: .6rem 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
figcaption { color: #57606a; font-size: .83em; line-height: 1.38; margin-top: .3rem; }
figcaption b { color: #1b1f24; }
.formula { display: grid; grid-template-columns: 1fr auto 1fr; align-items: center;
  margin: .5rem 0; break-inside: avoid; overflow-x: auto; }
.formula span { text-align: right; color: #57606a; }
.steps { display: grid; grid-template-columns: auto auto auto; align-items: center;
  gap: .3rem .4rem; }
.steps div { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .3em; }
.steps em { font-style: normal; font-size: .9em; color: #57606a; padding-left: .8rem; }
.math { overflow: visible; flex: none; }
.notice { border-left: 4px solid #d9480f; background: #fff4ee; padding: .4rem .8rem;
  margin: .6rem 0; break-inside: avoid; }
.side { display: grid; column-gap: 1.7rem; }
.side > div { min-width: 0; }
.side > div > :first-child { margin-top: .35rem; }
@media (max-width: 46rem) {
  .side { display: block; }
  th, td { padding-right: .4rem; }
  table { font-size: .82em; }
  td.key { white-space: normal; }
  pre { columns: 1 !important; }
  .math { max-width: 100%; height: auto !important; }
  .formula { display: flex; gap: .5rem; }
  .formula > i { display: none; }
  .formula > :nth-child(2) { flex: 0 1 auto; min-width: 0; }
  .formula span { flex: none; margin-left: auto; }
  .steps, .steps b, .steps em { display: block; }
  .steps em { padding: 0 0 .4rem 1.3em; }
}
@page { size: A4; margin: 11mm 15mm 11mm; }
@media print {
  html { font-size: 8.6pt; }
  body { max-width: none; padding: 0; line-height: 1.24; }
  header { margin-bottom: .6rem; padding-bottom: .3rem; }
  h2 { margin: .6rem 0 .2rem; }
  p, .formula { margin: .22rem 0; }
  ul { margin: .2rem 0; }
  li { margin: .1rem 0; }
  .steps { gap: .12rem .4rem; }
  figure { margin: .25rem 0; }
  .side figure img { width: auto; max-width: 100%; max-height: 48mm; }
  figcaption { line-height: 1.2; margin-top: .2rem; }
  pre { font-size: .72em; line-height: 1.25; margin: .25rem 0; padding: .35rem .6rem;
    column-gap: .8rem; }
  table { margin: .25rem 0; }
  th, td { padding-top: .06rem; padding-bottom: .06rem; }
  p { text-align: justify; }
  .side { column-gap: 5mm; }
}
"""


def to_html(document: ReportDocument) -> str:
    """The page as text."""
    return _Page().render(document)


class _Page:
    """Writes one document; pictures are numbered in the order in which they come."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def render(self, document: ReportDocument) -> str:
        title = escape(document.title)
        body = "\n".join(
            [
                f"<header>\n<h1>{title}</h1>\n<p>{_prose(document.subtitle)}</p>\n</header>",
                *(self.block(notice) for notice in document.notices),
                *map(self._section, document.sections),
            ]
        )
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta name="generator" content="vaezoo">\n<title>{title}</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        )

    def _section(self, section: Section) -> str:
        blocks = "\n".join(map(self.block, section.blocks))
        return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>"

    @singledispatchmethod
    def block(self, block: Block) -> str:
        raise TypeError(f"no HTML for {type(block).__name__}")

    @block.register
    def _(self, block: Paragraph) -> str:
        return f"<p>{_prose(block.line)}</p>"

    @block.register
    def _(self, block: Formula) -> str:
        return (
            f'<div class="formula"><i></i>{_math(block.tex, _DISPLAYED)}'
            f"<span>({block.number})</span></div>"
        )

    @block.register
    def _(self, block: Derivation) -> str:
        first = _math(block.left, _DISPLAYED)
        rows = "".join(
            f"<b>{'' if row else first}</b><div>{_pieces(step.tex)}</div>"
            f"<em>{_prose(step.why)}</em>"
            for row, step in enumerate(block.steps)
        )
        return (
            f'<div class="formula"><i></i><div class="steps">{rows}</div>'
            f"<span>{_number(block.number)}</span></div>"
        )

    @block.register
    def _(self, block: Table) -> str:
        caption = f"<figcaption>{_prose(block.caption)}</figcaption>" if block.caption else ""
        head = "".join(
            f'<th scope="col" class="{side}">{_prose(cell)}</th>'
            for side, cell in zip(_classes(block.align), block.head, strict=True)
        )
        rows = "\n".join(_row(row, block.align) for row in block.rows)
        table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
        return f'<figure><div class="scroll">{table}</div>{caption}</figure>'

    @block.register
    def _(self, block: Picture) -> str:
        data = base64.b64encode(block.data).decode("ascii")
        return (
            f'<figure><img src="data:{_TYPES[block.format]};base64,{data}" '
            f'alt="{escape(block.alt)}">\n<figcaption><b>Figure {next(self._numbers)}.</b> '
            f"{_prose(block.caption)}</figcaption></figure>"
        )

    @block.register
    def _(self, block: Listing) -> str:
        # no narrower than the longest line, so that none is broken
        widest = max(map(len, block.text.split("\n")))
        style = f' style="columns: {widest}ch {block.columns}"' if block.columns > 1 else ""
        return f"<pre{style}>{escape(block.text)}</pre>"

    @block.register
    def _(self, block: Bullets) -> str:
        return "<ul>\n" + "\n".join(f"<li>{_prose(item)}</li>" for item in block.items) + "\n</ul>"

    @block.register
    def _(self, block: Notice) -> str:
        return f'<p class="notice" role="note">{_prose(block.line)}</p>'

    @block.register
    def _(self, block: Side) -> str:
        shares = " ".join(f"minmax(0, {share:g}fr)" for share in block.shares)
        columns = "\n".join(
            f"<div>{''.join(map(self.block, column))}</div>" for column in block.columns
        )
        return f'<div class="side" style="grid-template-columns: {shares}">\n{columns}\n</div>'


def _number(number: int | None) -> str:
    return "" if number is None else f"({number})"


def _classes(align: str) -> list[str]:
    """A class a column; the last one of text is wide, taking what the others leave, and a first
    one before it is not broken for its sake."""
    widest = align.rindex("l")
    classes = [f"{side} wide" if i == widest else side for i, side in enumerate(align)]
    return ["l key", *classes[1:]] if widest > 0 and align[0] == "l" else classes


def _row(row: tuple[Prose, ...], align: str) -> str:
    cells = (
        f'<td class="{side}">{_prose(cell)}</td>'
        for side, cell in zip(_classes(align), row, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _prose(line: Prose) -> str:
    return "".join(map(_inline, line))


def _inline(part: PlainText | Strong | Code | Math) -> str:
    match part:
        case Strong(text):
            return f"<strong>{escape(text)}</strong>"
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Math(tex):
            return _math(tex, 1)
        case PlainText(text):
            return escape(text)


def _pieces(tex: tuple[str, ...]) -> str:
    return "".join(_math(piece, _DISPLAYED) for piece in tex)


def _math(tex: str, scale: float) -> str:
    setting = set_formula(tex)
    style = (
        f"width:{scale * setting.width:.3f}em;height:{scale * setting.height:.3f}em;"
        f"vertical-align:-{scale * setting.depth:.3f}em"
    )
    return setting.svg(f' class="math" style="{style}"')
