"""Export every entry of the zoo and of the plugin packages, and compare with the models.

    python benchmarks/export_parity.py             # all; needs the packages in plugins/
    python benchmarks/export_parity.py --only vq   # those whose name contains it

Runs ``use.py`` of each export in a new process. Writes ``results/export_parity.json`` and the table
in ``docs/export.md`` after each export, and keeps the rows of others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import vaezoo
from vaezoo.exports.parity import ParityCheck
from vaezoo.system.files import in_units

ROOT = Path(__file__).resolve().parent.parent
RESULT, PAGE = ROOT / "benchmarks/results/export_parity.json", ROOT / "docs/export.md"
BEGIN, END = "<!-- parity: written by benchmarks/export_parity.py -->", "<!-- end of parity -->"
FORMATS = ("onnx", "torch")
LIBRARIES = ("vaezoo", "torch", "onnx", "onnxruntime", "onnxscript")


def entries() -> list[Path]:
    """The folders of all entries, those of vaezoo first."""
    found = [*ROOT.glob("zoo/*/model.safetensors"), *ROOT.glob("plugins/*/zoo/*/model.safetensors")]
    folders = sorted(path.parent for path in found if not path.parent.name.startswith("."))
    return sorted(folders, key=lambda folder: "plugins" in folder.parts)


def tried(entry: Path, to: str, folder: Path) -> dict[str, Any]:
    """The row of an entry and a format: its checks, sizes and seconds, or the reason against it."""
    row: dict[str, Any] = {"entry": entry.name, "format": to}
    if "plugins" in entry.parts:
        row["package"] = entry.parents[1].name
    out, began, worked = folder / f"{entry.name}-{to}", time.perf_counter(), time.process_time()
    try:
        exported = vaezoo.export(entry, to, out)
    except vaezoo.VaezooError as error:
        return row | {"error": error.diagnostics[0].message}
    row["seconds"] = round(time.perf_counter() - began, 1)
    row["processor_seconds"] = round(time.process_time() - worked, 1)
    row["compared_on"] = exported.images
    row["outputs"] = [_output(check) for check in exported.checks]
    row["bytes"] = sum(one.stat().st_size for one in out.glob(f"*.{_suffix(out)}"))
    row["script"] = _script(out)
    return row


def _suffix(folder: Path) -> str:
    return next(one.suffix[1:] for one in folder.iterdir() if one.stem == "decoder")


def _output(check: ParityCheck) -> dict[str, Any]:
    return {
        "part": check.part,
        "output": check.output,
        "difference": check.difference,
        "allowed": check.allowed,
        "compared": check.compared,
        **({"unit": "share of codes that differ"} if check.is_code else {}),
    }


def _script(folder: Path) -> str:
    """What ``use.py`` prints in a process that cannot import vaezoo."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    block = "import sys; sys.modules['vaezoo'] = None; import runpy; runpy.run_path('use.py')"
    command = [sys.executable, "-c", block]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{folder}/use.py failed:\n{done.stderr}")
    return done.stdout.strip()


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| entry | format | encoder | decoder | size | processor seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        name = row["entry"] + (f" ({row['package']})" if "package" in row else "")
        if "error" in row:
            lines.append(f"| {name} | {row['format']} | {row['error']} | | | |")
            continue
        parts = [_worst(row, part) for part in ("encoder", "decoder")]
        cost = f"{in_units(row['bytes'])} | {row['processor_seconds']}"
        lines.append(f"| {name} | {row['format']} | {' | '.join(parts)} | {cost} |")
    return "\n".join(lines)


def _worst(row: dict[str, Any], part: str) -> str:
    """The largest differences of a part's outputs."""
    texts = []
    for one in row["outputs"]:
        if one["part"] != part:
            continue
        value = f"{one['difference']:.1%} differ" if "unit" in one else f"{one['difference']:.1e}"
        texts.append(f"{one['output']} {value}" if part == "encoder" else value)
    return ", ".join(texts)


def save(rows: list[dict[str, Any]]) -> None:
    """Write the result and the page; rows of this call replace earlier ones of the same export."""
    known = json.loads(RESULT.read_text("utf-8"))["rows"] if RESULT.exists() else []
    by_key = {(row["entry"], row["format"]): row for row in [*known, *rows]}
    order = [(entry.name, to) for entry in entries() for to in FORMATS]
    merged = [by_key[key] for key in order if key in by_key]
    versions = {name: metadata.version(name) for name in LIBRARIES}
    RESULT.write_text(json.dumps({"versions": versions, "rows": merged}, indent=1) + "\n", "utf-8")
    page = PAGE.read_text("utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(merged)}\n\n{END}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="entries whose name contains this")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        for entry in entries():
            if only in entry.name:
                for to in FORMATS:
                    row = tried(entry, to, Path(folder))
                    print(json.dumps(row), flush=True)
                    save([row])


if __name__ == "__main__":
    main()
