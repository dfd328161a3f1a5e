"""Entries as tables, text pages and JSON; does not import torch."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaezoo.diagnostics.columns import aligned, with_summaries
from vaezoo.diagnostics.printable import in_log, in_one_line, printable
from vaezoo.registry import Figure
from vaezoo.registry.verdicts import in_words
from vaezoo.system.files import in_units
from vaezoo.system.yaml_writer import to_yaml
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.model_card import shown_value
from vaezoo.zoo.records import to_json
from vaezoo.zoo.search import BrokenEntry

_HEAD = ("NAME", "DATASET", "LATENT", "TEST ELBO", "SIZE")
#: The columns to leave out in a narrow terminal, the first one first.
_LESS_NEEDED = ("SIZE", "DATASET", "LATENT")


def as_data(entry: Entry | BrokenEntry) -> dict[str, Any]:
    """One entry of ``vaezoo zoo list --json``."""
    if isinstance(entry, BrokenEntry):
        problem = {"code": entry.problem.code, "message": entry.problem.message}
        return {"name": entry.name, "path": str(entry.path), "problem": problem}
    spec = entry.spec_data
    figure = entry.metrics.of_role("elbo")
    data = {
        "name": entry.name,
        "summary": spec["summary"],
        "dataset": _use(spec["dataset"]),
        "latent": spec["model"]["latent"],
        "test_elbo": figure.value if figure else None,
        "bytes": entry.size,
        "path": str(entry.path),
    }
    return dict(to_json(data))


def as_table(entries: Sequence[Entry | BrokenEntry], width: int | None = None) -> str:
    """``vaezoo zoo list``: the entries of each folder with their summaries, damaged ones last.

    Lines have at most ``width`` characters, unless a name is longer. Summaries are cut.
    """
    folders: dict[Path, list[Entry]] = {}
    for entry in entries:
        if isinstance(entry, Entry):
            folders.setdefault(entry.path.parent, []).append(entry)
    paragraphs = ["\n".join(_folder_lines(*folder, width)) for folder in folders.items()]
    broken = [entry for entry in entries if isinstance(entry, BrokenEntry)]
    damaged = [printable(f"{entry.name}: damaged, {entry.problem.message}") for entry in broken]
    return in_log("\n\n".join(filter(None, [*paragraphs, "\n".join(damaged)])))


def _folder_lines(folder: Path, entries: Sequence[Entry], width: int | None) -> list[str]:
    """The table of one folder."""
    summaries = [entry.spec_data["summary"] for entry in entries]
    rows = [_HEAD, *(_row(entry) for entry in entries)]
    for heading in _LESS_NEEDED:
        if width is None or max(map(len, aligned(rows))) <= width:
            break
        column = rows[0].index(heading)
        rows = [(*row[:column], *row[column + 1 :]) for row in rows]
    lines = with_summaries(rows, ["SUMMARY", *summaries], width)
    return [printable(f"{_counted(len(entries), 'model')} in {folder}"), *lines]


def details(entry: Entry) -> dict[str, Any]:
    """``vaezoo zoo show --json``: one entry."""
    metrics = entry.metrics
    data = {
        **as_data(entry),
        "spec": entry.spec_data,
        "figures": [dataclasses.asdict(figure) for figure in metrics.figures],
        "targets": list(metrics.targets),
        "notes": list(metrics.notes),
        "test_is_trained_on": metrics.test_is_trained_on,
        "epochs": len(entry.history),
        "lock": entry.lock,
        "files": entry.files(),
    }
    return dict(to_json(data))


def page(entry: Entry) -> str:
    """``vaezoo zoo show``: one entry as text."""
    metrics, spec = entry.metrics, entry.spec_data
    figures = [
        f"{f.split}/{f.name}: {shown_value(f)} {f.unit} ({f.likelihood}, {f.examples:,} examples)"
        for f in metrics.figures
    ]
    targets = [
        f"{t['metric']}: {in_words(t)}, {t['figure']:.2f} "
        f"(target {t['value']:g} ± {t['tolerance']:g}, {t['source']})"
        f"{'. ' if t['note'] else ''}{t['note']}"
        for t in metrics.targets
    ]
    notes = list(metrics.notes)
    if metrics.test_is_trained_on:
        notes.insert(0, "the test images were part of the training data")
    lock = _shown_lock(entry.lock)
    listed = [f"{name}  {size:,} bytes" for name, size in entry.files().items()]
    sections = [
        ("Figures", _lines(figures)),
        ("Targets", _lines(targets)),
        ("Notes", _lines(notes)),
        ("Spec", to_yaml(spec)),
        ("Lock", to_yaml(lock)),
        (f"Files in {entry.path}", "\n".join(map(printable, listed))),
    ]
    head = f"{entry.name}: {spec['summary']}" if spec["summary"] else entry.name
    parts = [in_one_line(head)]
    parts += [f"{printable(title)}\n{_indent(body)}" for title, body in sections if body]
    return in_log("\n\n".join(parts))


def figure_lines(figures: Sequence[Figure]) -> list[str]:
    """``vaezoo evaluate``: each figure with its protocol and 95 % interval."""
    lines = []
    for figure in figures:
        lines.append(f"{figure.split}/{figure.name}: {shown_value(figure)} {figure.unit}")
        if figure.standard_error is not None:
            margin = 1.96 * figure.standard_error
            low, high = figure.value - margin, figure.value + margin
            lines.append(f"    95 % interval over images {low:.6g} to {high:.6g}")
        drawn = f", {counted(figure.samples)}" if figure.samples else ""
        lines.append(
            f"    {figure.examples:,} {figure.split} images{drawn}, {figure.likelihood} "
            f"likelihood, binarisation: {figure.binarisation}"
        )
        if figure.note:
            lines.append(f"    {figure.note}")
        if figure.per_dimension:
            numbers = " ".join(f"{value:.3g}" for value in figure.per_dimension)
            lines += textwrap.wrap(
                f"by dimension: {numbers}", 96, initial_indent="    ", subsequent_indent="      "
            )
    return [in_log(printable(line)) for line in lines]


def counted(samples: int) -> str:
    """Such as ``10 samples``."""
    return f"{samples:,} sample{'' if samples == 1 else 's'}"


def _row(entry: Entry) -> tuple[str, ...]:
    figure = entry.metrics.of_role("elbo")
    spec = entry.spec_data
    return (
        entry.name,
        _use(spec["dataset"]),
        str(spec["model"]["latent"]),
        shown_value(figure) if figure else "–",
        in_units(entry.size),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _use(written: str | dict[str, Any]) -> str:
    return written if isinstance(written, str) else str(written["use"])


def _shown_lock(lock: dict[str, Any]) -> dict[str, Any]:
    """A lock with one line for each component, at the end."""
    shown = {key: value for key, value in lock.items() if key not in ("components", "checked")}
    shown["components"] = [_locked(row) for row in lock["components"]]
    return shown | ({"checked": _shown_lock(lock["checked"])} if "checked" in lock else {})


def _locked(component: dict[str, Any]) -> str:
    return (
        f"{component['kind']} {component['use']}: {component['plugin']} {component['version']}, "
        f"{component['file']} {(component['sha256'] or '')[:12]}"
    )


def _lines(several: Sequence[str]) -> str:
    """One line for each text, without its line breaks."""
    return "\n".join(map(in_one_line, several))


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines())
