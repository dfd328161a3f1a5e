"""Render a report as one self-contained HTML page, by ``templates/report.html.j2``."""

from __future__ import annotations

import base64
from functools import cache
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaezoo.diagnostics.printable import printable
from vaezoo.reports.blocks import Picture, ReportDocument
from vaezoo.reports.tex_to_svg import set_formula

_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


def to_html(document: ReportDocument) -> str:
    """The page as text. Every value is escaped."""
    numbers = count(1)
    template = _environment().get_template("report.html.j2")
    return template.render(document=document, next_number=lambda: next(numbers))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vaezoo.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "svg": _svg,
        "data_uri": _data_uri,
        "column_classes": _column_classes,
    }
    return environment


def _without_controls(value: object) -> object:
    """Show control and invisible characters in text as escapes; markup passes unchanged."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, keep="\n\t")
    return value


def _svg(tex: str, scale: float) -> Markup:
    setting = set_formula(tex)
    style = (
        f"width:{scale * setting.width:.3f}em;height:{scale * setting.height:.3f}em;"
        f"vertical-align:-{scale * setting.depth:.3f}em"
    )
    return Markup(setting.svg(f' class="math" style="{style}"'))


def _data_uri(picture: Picture) -> str:
    return f"data:{_TYPES[picture.format]};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _column_classes(align: str) -> list[str]:
    """The CSS classes of each column.

    The last text column takes the width that the others leave. A text column at the left of it
    holds keys, which do not wrap.
    """
    widest = align.rindex("l")
    classes = [f"{side} wide" if i == widest else side for i, side in enumerate(align)]
    return ["l key", *classes[1:]] if widest > 0 and align[0] == "l" else classes
