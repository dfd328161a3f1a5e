"""Locations for programs: paths relative to the checkout, and URIs."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes

from vaezoo.diagnostics import Span

#: Variables with the repository's path: GitHub, GitLab.
_VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def checkout() -> Path:
    """The repository in CI if it contains the current folder, else the current folder."""
    here = Path.cwd()
    named = (Path(os.environ.get(name) or "/nowhere") for name in _VARIABLES)
    return next((root for root in named if here.is_relative_to(root)), here)


def is_argument(span: Span) -> bool:
    """Whether the location is a command-line argument rather than a file."""
    return span.source.startswith("--")


def relative(source: str, root: Path) -> str | None:
    """A file's path below ``root``, with slashes; None if it is elsewhere."""
    path = os.path.relpath(os.path.abspath(source.replace("\0", "")), root)
    parts = path.split(os.sep)
    return None if os.pardir in parts or os.path.isabs(path) else "/".join(parts)


def path(source: str, root: Path) -> str:
    """A file's path below ``root``; unchanged if it is elsewhere."""
    return relative(source, root) or source


def uri(path: str) -> str:
    """A path with slashes as the path of a URI; the bytes of any file name come through."""
    return quote_from_bytes(path.encode("utf-8", "surrogateescape"), safe="/")


def absolute_uri(source: str) -> str:
    """An absolute file URI."""
    path = os.path.abspath(source.replace("\0", "")).replace(os.sep, "/")
    return "file://" + uri(path if path.startswith("/") else f"/{path}")
