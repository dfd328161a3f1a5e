"""Jinja2 environments for HTML pages. Every value is escaped."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaezoo.diagnostics.printable import printable


def html_environment(package: str) -> Environment:
    """An environment for the ``templates`` folder of a package.

    Undefined names raise, text is escaped, and control and invisible characters are shown as
    escapes.
    """
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _without_controls(value: object) -> object:
    """Show control and invisible characters in text as escapes; markup passes unchanged."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, keep="\n\t")
    return value
