"""A report as one page of HTML that needs nothing beside it: no script, no font, no request."""

from __future__ import annotations

import base64
from functools import singledispatchmethod
from itertools import count

from vaezoo.printable import in_html as escape
from vaezoo.writeup.content import (
    Block,
    Bullets,
    Code,
    Document,
    Formula,
    Listing,
    Math,
    Notice,
    Paragraph,
    Picture,
    Prose,
    Section,
    Side,
    Strong,
    Table,
    Words,
)
from vaezoo.writeup.mathematics import set_formula

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
caption { caption-side: bottom; text-align: left; color: #57606a; padding-top: .3rem;
  font-size: .93em; }
th, td { padding: .16rem .6rem .16rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: 1px solid #8a949e; font-weight: 600; }
tbody tr + tr td { border-top: 1px solid #eceff2; }
.l { text-align: left; }
.wide { width: 100%; }
.r { text-align: right; white-space: nowrap; }
figure { margin: .6rem 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
figcaption { color: #57606a; font-size: .83em; line-height: 1.38; margin-top: .3rem; }
figcaption b { color: #1b1f24; }
.formula { display: grid; grid-template-columns: 1fr auto 1fr; align-items: center;
  margin: .5rem 0; break-inside: avoid; overflow-x: auto; }
.formula span { text-align: right; color: #57606a; }
.math { overflow: visible; }
.notice { border-left: 4px solid #d9480f; background: #fff4ee; padding: .4rem .8rem;
  margin: .6rem 0; break-inside: avoid; }
.side { display: grid; column-gap: 1.7rem; }
.side > div { min-width: 0; }
.side > div > :first-child { margin-top: .35rem; }
@media (max-width: 46rem) {
  .side { display: block; }
  table { display: block; overflow-x: auto; }
  pre { columns: 1 !important; }
}
@page { size: A4; margin: 12mm 15mm 13mm; }
@media print {
  html { font-size: 9.1pt; }
  body { max-width: none; padding: 0; line-height: 1.3; }
  h2 { margin: .75rem 0 .25rem; }
  p, .formula { margin: .3rem 0; }
  figure { margin: .35rem 0; }
  figcaption { line-height: 1.25; }
  pre { font-size: .72em; line-height: 1.3; margin: .3rem 0; }
  th, td { padding-top: .1rem; padding-bottom: .1rem; }
  p { text-align: justify; }
  .side { column-gap: 5mm; }
}
"""


def to_html(document: Document) -> str:
    """The page as text."""
    return _Page().render(document)


class _Page:
    """Writes one document; pictures are numbered in the order in which they come."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def render(self, document: Document) -> str:
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
    def _(self, block: Table) -> str:
        caption = f"<caption>{_prose(block.caption)}</caption>" if block.caption else ""
        head = "".join(
            f'<th scope="col" class="{side}">{_prose(cell)}</th>'
            for side, cell in zip(_classes(block.align), block.head, strict=True)
        )
        rows = "\n".join(_row(row, block.align) for row in block.rows)
        return f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"

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
        style = f' style="columns: {block.columns}"' if block.columns > 1 else ""
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


def _classes(align: str) -> list[str]:
    """A class a column; the last one of text is wide, taking what the others leave."""
    widest = align.rindex("l")
    return [f"{side} wide" if i == widest else side for i, side in enumerate(align)]


def _row(row: tuple[Prose, ...], align: str) -> str:
    cells = (
        f'<td class="{side}">{_prose(cell)}</td>'
        for side, cell in zip(_classes(align), row, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _prose(line: Prose) -> str:
    return "".join(map(_inline, line))


def _inline(part: Words | Strong | Code | Math) -> str:
    match part:
        case Strong(text):
            return f"<strong>{escape(text)}</strong>"
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Math(tex):
            return _math(tex, 1)
        case Words(text):
            return escape(text)


def _math(tex: str, scale: float) -> str:
    setting = set_formula(tex)
    style = (
        f"width:{scale * setting.width:.3f}em;height:{scale * setting.height:.3f}em;"
        f"vertical-align:-{scale * setting.depth:.3f}em"
    )
    return setting.svg(f' class="math" style="{style}"')
