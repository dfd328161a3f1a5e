"""Write the README's tables: models and targets from ``zoo/``, untrained specs from ``specs/``,
speed from the results of ``benchmarks/table.py``.

``python tools/readme_table.py`` rewrites README.md. A test fails if it is out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaezoo.registry import discover
from vaezoo.registry.verdicts import in_words_with_note
from vaezoo.spec import read
from vaezoo.zoo import Entry, entries

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
#: Specs without an entry, and why.
UNTRAINED = {
    "fashion_vae40": "not trained yet: up to 2,000 epochs",
    "mnist_iwae_vae50": "not trained yet: 3,280 epochs, ten million steps",
    "mnist_jaanli_pytorch": "trained: test ELBO −106.69 ± 0.33; its weights are not shipped",
    "mnist_pythae40": "trained: test log-likelihood bound −92.72 ± 0.23 (200 draws), published "
    "−89.78: not reproduced; its weights are not shipped",
}
#: Results by kind of layers.
MEASURED = {"dense": RESULTS / "table_mlp.json", "convolutions": RESULTS / "table_conv.json"}
#: The benchmark's training loops, as the README names them.
LOOPS = {
    "notebook": "`DataLoader` over PIL images, as in a notebook",
    "pythae": "pythae's trainer",
    "plain": "plain PyTorch over a tensor in memory",
    "jax": "JAX, the whole epoch compiled with `lax.scan`",
    "vaezoo": "**vaezoo**",
    "vaezoo bfloat16": "**vaezoo**, `precision: bfloat16`",
}


def published() -> list[Entry]:
    """The entries of this repository, sorted by name."""
    found = [entry for entry in entries(ROOT / "zoo") if isinstance(entry, Entry)]
    return [entry for entry in found if entry.path.parent == ROOT / "zoo"]


def models_table(found: list[Entry]) -> str:
    """A row for each model, from its spec and test figures."""
    rows = ["| model | description | test ELBO | reconstruction | KL | active latents |"]
    rows.append("|---|---|---|---|---|---|")
    for entry in found:
        names = ("test/elbo", "test/reconstruction", "test/kl", "test/active_units")
        elbo, reconstruction, kl, active = (entry.metrics.figure(name) for name in names)
        if not (elbo and reconstruction and kl and active):
            raise SystemExit(f"{entry.name} lacks a figure of the table")
        mark = " ¹" if entry.metrics.test_is_trained_on else ""
        rows.append(
            f"| [{entry.name}](zoo/{entry.name}/README.md) | {entry.spec_data['summary']} "
            f"| {_signed(elbo.value)} ± {elbo.standard_error:.2f}{mark} "
            f"| {reconstruction.value:.2f} | {kl.value:.2f} "
            f"| {active.value:.0f} of {entry.spec_data['model']['latent']} |"
        )
    if any(entry.metrics.test_is_trained_on for entry in found):
        rows += ["", "¹ trained on the test images too, like the published example"]
    return "\n".join(rows)


def missing_table(found: list[Entry]) -> str:
    """A row for each spec of ``specs/`` without an entry; empty if there are none."""
    specs = {path.stem: path for path in (ROOT / "specs").rglob("*.yaml")}
    missing = sorted(specs.keys() - {entry.name for entry in found})
    if set(missing) != UNTRAINED.keys():
        raise SystemExit(f"UNTRAINED should name {missing}")
    if not missing:
        return ""
    rows = ["Specs without a trained model:", "", "| spec | description | reason |"]
    rows.append("|---|---|---|")
    for name in missing:
        path = specs[name].relative_to(ROOT).as_posix()
        summary = read(specs[name], registry=discover()).summary
        rows.append(f"| [{name}]({path}) | {summary} | {UNTRAINED[name]} |")
    return "\n".join(rows)


def targets_table(found: list[Entry]) -> str:
    """A row for each target of an entry."""
    rows = ["| model | figure | published | here | verdict | source |", "|---|---|---|---|---|---|"]
    for entry in found:
        for target in entry.metrics.targets:
            verdict = _cell(in_words_with_note(target))
            rows.append(
                f"| {entry.name} | {target['metric']} "
                f"| {_signed(target['value'])} ± {target['tolerance']:g} "
                f"| {_signed(target['figure'])} | {verdict} | {_linked(target)} |"
            )
    return "\n".join(rows)


def speed_table(results: Mapping[str, dict[str, Any]]) -> str:
    """A row for each training loop, slowest first; two columns for each kind of layers."""
    measured = list(results.values())
    heads = (f"{layers}: µs per image | speedup" for layers in results)
    rows = [f"| training loop | {' | '.join(heads)} |", "|---|" + "---|---|" * len(results)]
    slowest = measured[0]["median_seconds"]
    for loop in sorted(slowest, key=lambda loop: -slowest[loop]):
        cells = [cell for result in measured for cell in _speed(result, loop)]
        rows.append(f"| {LOOPS[loop]} | {' | '.join(cells)} |")
    footnote = "; ".join(
        f"{layers}: {result['what']}, medians of {len(result['seconds']['vaezoo'])} rounds"
        for layers, result in results.items()
    )
    versions: dict[str, str] = {}
    for result in measured:
        for loop in result["ways"].values():
            versions |= loop["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    machine = f"{measured[0]['cpu']}, {measured[0]['cores']} cores"
    rows += ["", f"{footnote}; {machine}; {named}"]
    return "\n".join(rows)


def _speed(measured: dict[str, Any], loop: str) -> tuple[str, str]:
    if loop in measured["not_measured"]:
        return "–", "–"
    cost, times = measured["microseconds_per_image"], measured["times_as_fast_as"]["notebook"]
    return f"{cost[loop]:.1f}", f"{times[loop]:.1f}"


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _linked(target: Any) -> str:
    """``text (https://…)`` as a link."""
    return re.sub(r"^(.*) \((https?://\S+)\)$", r"[\1](\2)", target["source"])


def rewritten(text: str) -> str:
    """The README's text with all tables updated."""
    found = published()
    tables = {
        "models": models_table(found),
        "missing": missing_table(found),
        "targets": targets_table(found),
        "speed": speed_table(
            {name: json.loads(path.read_text("utf-8")) for name, path in MEASURED.items()}
        ),
    }
    for name, table in tables.items():
        pattern = rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)"
        written = table.replace("\\", r"\\")
        text = re.sub(pattern, rf"\g<1>{written}\n\2", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text("utf-8")), "utf-8")
