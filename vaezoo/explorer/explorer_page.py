"""Write the page: one HTML file with everything inside."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import metadata, resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaezoo.diagnostics.printable import in_one_line
from vaezoo.explorer.page_data import Explored, model_data
from vaezoo.explorer.script_text import script_json
from vaezoo.explorer.write_javascript import engine_source
from vaezoo.system.files import write_output

#: The height of the page in a notebook, in pixels.
_HEIGHT = 860
_SCRIPTS = (
    "page_tools.js",
    "page_canvas.js",
    "page_latents.js",
    "page_model.js",
    "page_images.js",
    "page_panels.js",
    "page_start.js",
)


@dataclass(frozen=True)
class ExplorerPage:
    """An explorer page. A notebook shows it; ``save`` writes it to a file."""

    html: str

    def save(self, path: str | Path) -> Path:
        """Write the page; its path. Raises OSError if the file cannot be written."""
        write_output(Path(path), self.html.encode())
        return Path(path)

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="vaezoo explorer" srcdoc="{escape(self.html)}" width="100%" '
            f'height="{_HEIGHT}" sandbox="allow-scripts allow-downloads" '
            'style="border:0"></iframe>'
        )


def explorer_page(models: list[Explored]) -> ExplorerPage:
    """The page of one or two models with images of the same shape."""
    images = next((one.images for one in models if one.images), None)
    data = {
        "version": metadata.version("vaezoo"),
        "models": [model_data(one, images) for one in models],
        "images": images and images.as_json(),
        "classNames": [in_one_line(name) for name in images.class_names] if images else [],
    }
    script = "\n".join([engine_source(), *(_text(name) for name in _SCRIPTS)])
    style = _text("page.css")
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=" and ".join(in_one_line(one.name) for one in models),
            data=Markup(script_json(data)),
            script=Markup(script),
            style=Markup(style),
            script_hash=_hash(script),
            style_hash=_hash(style),
        )
    )
    return ExplorerPage(html)


def _text(name: str) -> str:
    return resources.files("vaezoo.explorer").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source of a content security policy that allows exactly this text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("vaezoo.explorer", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
