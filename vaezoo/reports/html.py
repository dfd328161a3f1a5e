"""Render a report as one self-contained HTML page, by ``templates/report.html.j2``."""

from __future__ import annotations

import base64
from functools import cache
from itertools import count

from jinja2 import Environment
from markupsafe import Markup

from vaezoo.reports.blocks import Picture, ReportDocument
from vaezoo.reports.tex_to_svg import set_formula
from vaezoo.system.html_templates import html_environment

_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


def to_html(document: ReportDocument) -> str:
    """The page as text. Every value is escaped."""
    numbers = count(1)
    template = _environment().get_template("report.html.j2")
    return template.render(document=document, next_number=lambda: next(numbers))


@cache
def _environment() -> Environment:
    environment = html_environment("vaezoo.reports")
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "svg": _svg,
        "data_uri": _data_uri,
        "column_classes": _column_classes,
    }
    return environment


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
