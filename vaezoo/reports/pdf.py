"""Render a report as an A4 PDF with Typst, by ``templates/report.typ``.

Typst is a wheel without system libraries and needs no network. The PDF is tagged. Its bytes depend
only on the report and the version of Typst.
"""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.diagnostics.printable import printable
from vaezoo.reports.blocks import (
    Derivation,
    DerivationStep,
    Formula,
    Math,
    Picture,
    ReportDocument,
    Table,
)
from vaezoo.reports.tex_to_svg import set_formula

if TYPE_CHECKING:
    from types import ModuleType


def typst_missing() -> Diagnostic | None:
    """How to install Typst; None if it is installed."""
    try:
        _typst()
    except ZooError as error:
        return error.diagnostics[0]
    return None


def to_pdf(document: ReportDocument) -> bytes:
    """The report as the bytes of a PDF. Raises ZooError (VZ503) if Typst is not installed."""
    typst = _typst()
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = _Exporter(folder).export(document)
        (folder / "report.json").write_text(json.dumps(data), "utf-8")
        template = files("vaezoo.reports").joinpath("templates", "report.typ")
        (folder / "report.typ").write_bytes(template.read_bytes())
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
                "cannot write a PDF: typst is not installed",
                hint="pip install 'vaezoo[pdf]', or write HTML, which needs no extra package",
            )
        ) from None
    module: ModuleType = typst
    return module


class _Exporter:
    """Turn blocks into JSON data, and write pictures and formulas as files to ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._formulas: dict[str, str] = {}

    def export(self, value: Any) -> Any:
        """The value as JSON data; a block or inline text also gives its ``kind``."""
        match value:
            case str():
                return printable(value, keep="\n\t")
            case tuple():
                return [self.export(item) for item in value]
            case int() | float() | None:
                return value
            case bytes():
                return None  # the data of a picture, which is a file
        data = {field.name: self.export(getattr(value, field.name)) for field in fields(value)}
        return data | {"kind": type(value).__name__} | self._typeset(value)

    def _typeset(self, value: Any) -> dict[str, Any]:
        """What the template cannot derive from the fields of a block."""
        match value:
            case Math(tex):
                return self._math(tex)
            case Formula(tex=tex):
                return {"tex": self._math(tex)}
            case Derivation(left=left):
                return {"left": self._math(left)}
            case DerivationStep(tex=pieces):
                return {"tex": [self._math(piece) for piece in pieces]}
            case Table(align=align):
                # the last text column takes the width that the others leave
                return {"align": list(align), "wide_column": align.rindex("l")}
            case Picture(data=data, format=suffix):
                return {"file": self._file(f"picture-{next(self._numbers)}.{suffix}", data)}
        return {}

    def _math(self, tex: str) -> dict[str, Any]:
        setting = set_formula(tex)
        if tex not in self._formulas:
            name = f"formula-{len(self._formulas) + 1}.svg"
            self._formulas[tex] = self._file(name, setting.svg().encode())
        sizes = {"width": setting.width, "height": setting.height, "depth": setting.depth}
        return {"tex": printable(tex), "file": self._formulas[tex], **sizes}

    def _file(self, name: str, data: bytes) -> str:
        (self._folder / name).write_bytes(data)
        return name
