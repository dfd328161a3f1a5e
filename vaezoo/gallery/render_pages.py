"""Render the pages of a gallery by the templates of this package."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from vaezoo.diagnostics.printable import in_json, printable
from vaezoo.gallery.entry_page import ENTRIES, PAGE, EntryPage
from vaezoo.gallery.entry_summary import EntrySummary
from vaezoo.gallery.link_addresses import with_links
from vaezoo.gallery.protocol_groups import Protocol, grouped, protocol_of
from vaezoo.gallery.site_files import NO_JEKYLL
from vaezoo.gallery.site_index import DamagedEntry
from vaezoo.gallery.svg_plots import rate_distortion
from vaezoo.system.files import in_units
from vaezoo.system.html_templates import html_environment

_ASSETS = ("gallery.css", "gallery.js", "compare.js")
#: Longer formulas are shown as TeX.
_LONGEST_FORMULA = 500


@dataclass(frozen=True)
class Facet:
    """A property to filter by: its key, its title, its values and how many entries have each."""

    key: str
    title: str
    values: tuple[tuple[str, int], ...]


def entry_html(summary: EntrySummary, page: EntryPage, title: str) -> str:
    """The page of an entry."""
    template = _environment().get_template("entry.html.j2")
    return template.render(root="../../", title=title, entry=summary, page=page)


def wall_files(
    title: str,
    entries: Sequence[EntrySummary],
    damaged: Sequence[DamagedEntry],
    index: dict[str, Any],
) -> dict[str, bytes]:
    """The pages on several entries, ``index.json``, styles and scripts, by path."""
    ordered = sorted(entries, key=lambda one: (one.dataset, one.name, one.slug))
    groups = [(group, rate_distortion(group)) for group in grouped(entries)]
    places = {m.entry.slug: number for number, (g, _) in enumerate(groups, 1) for m in g.members}
    wall = _environment().get_template("wall.html.j2")
    compare = _environment().get_template("compare.html.j2")
    shared: dict[str, Any] = {"root": "", "title": title, "entries": ordered}
    pages = {
        PAGE: wall.render(
            **shared, groups=groups, places=places, damaged=damaged, facets=facets(entries)
        ),
        "compare.html": compare.render(**shared, data=_shown([_compared(one) for one in ordered])),
        "index.json": in_json(json.dumps(index, indent=1, ensure_ascii=False, allow_nan=False))
        + "\n",
        NO_JEKYLL: "",
    }
    folder = resources.files("vaezoo.gallery") / "templates"
    assets = {f"assets/{name}": (folder / name).read_bytes() for name in _ASSETS}
    return {path: text.encode() for path, text in pages.items()} | assets


def facets(entries: Sequence[EntrySummary]) -> tuple[Facet, ...]:
    """The properties to filter by."""
    latents = Counter(sorted(one.latents for one in entries))
    by_size = {size: next(e.latent_text for e in entries if e.latents == size) for size in latents}
    return (
        _facet("dataset", "Dataset", [one.dataset for one in entries]),
        _facet("family", "Family", [family for one in entries for family in one.families]),
        _facet("likelihood", "Likelihood", [one.likelihood for one in entries]),
        Facet("latents", "Latents", tuple((by_size[s], n) for s, n in latents.items())),
    )


def _facet(key: str, title: str, values: Sequence[str]) -> Facet:
    return Facet(key, title, tuple(sorted(Counter(values).items())))


def _compared(entry: EntrySummary) -> dict[str, Any]:
    """The data of an entry on the page that compares two."""
    return {
        "name": entry.name if entry.name == entry.slug else f"{entry.name} ({entry.slug})",
        "slug": entry.slug,
        "page": f"{ENTRIES}/{entry.slug}/{PAGE}",
        "summary": entry.summary,
        "settings": [[one.key, one.text] for one in entry.spec],
        "pictures": [
            [one.title, f"{ENTRIES}/{entry.slug}/{one.file}", one.width, one.height]
            for one in entry.pictures
        ],
        "figures": [
            {
                "name": f"{one.split}/{one.name}",
                "label": one.label,
                "text": one.text,
                "value": one.value if one.value == one.value else None,
                "error": one.standard_error,
                "unit": one.unit,
                "better": one.better,
                "protocol": protocol_of(entry, one).facts,
            }
            for one in entry.figures
        ],
    }


def _shown(value: Any) -> Any:
    """JSON data with controls and invisible characters in its texts shown as escapes."""
    if isinstance(value, str):
        return printable(value, keep="\n\t")
    if isinstance(value, dict):
        return {key: _shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    return value


@cache
def _environment() -> Environment:
    environment = html_environment("vaezoo.gallery")
    environment.filters |= {
        "with_links": with_links,
        "formula": _formula,
        "in_units": in_units,
        "protocol_title": _protocol_title,
        "family": lambda name: name.replace("_", " "),
    }
    environment.globals["version"] = metadata.version("vaezoo")
    return environment


def _protocol_title(protocol: Protocol) -> str:
    binarisation = protocol.binarisation.partition(",")[0]
    drawn = "grey levels" if binarisation == "none" else f"{binarisation} binarization"
    held_out = "" if protocol.is_held_out else " · trained on the test images"
    return f"{protocol.dataset} · {protocol.likelihood} · {drawn}{held_out}"


def _formula(tex: str) -> Markup:
    """A formula as SVG; its TeX if it cannot be set."""
    try:
        if len(tex) > _LONGEST_FORMULA:
            raise ValueError("it is too long")
        from vaezoo.reports.tex_to_svg import set_formula

        setting = set_formula(tex)
    except Exception:  # matplotlib raises errors of many kinds for a plugin's TeX
        return Markup("<code>{}</code>").format(printable(tex))
    style = (
        f"width:{1.25 * setting.width:.3f}em;height:{1.25 * setting.height:.3f}em;"
        f"vertical-align:-{1.25 * setting.depth:.3f}em"
    )
    return Markup(setting.svg(f' class="math" style="{style}"'))
