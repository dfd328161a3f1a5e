"""Small models to explore, and what runs pages and programs."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.helpers import small_spec
from tests.runs.blobs_plugin import Blobs
from vaezoo.explorer.embedded_images import choose_test_images
from vaezoo.explorer.page_data import Explored
from vaezoo.explorer.write_javascript import engine_source
from vaezoo.model import VAE, build
from vaezoo.registry import Condition


def small_model(condition: Condition | None = None, **changes: Any) -> VAE:
    """An untrained model of 6 × 6 images."""
    return build(small_spec(**changes), condition=condition).eval()


@cache
def explored(name: str = "small", **changes: Any) -> Explored:
    """An untrained model with its test images."""
    images = choose_test_images(Blobs().build())
    return Explored(name, name, small_model(), images)


def page_json(html: str) -> dict[str, Any]:
    """The data inside a page."""
    start = html.index('id="data">') + len('id="data">')
    found: dict[str, Any] = json.loads(html[start : html.index("</script>", start)])
    return found


_RUN = """
const engine = require("./engine.js"), fs = require("fs");
const { weights, cases } = JSON.parse(fs.readFileSync("cases.json"));
const bytes = engine.fromBase64(weights);
console.log(JSON.stringify(cases.map(({ plan, inputs }) => {
  const graph = new engine.Graph(plan, bytes);
  return inputs.map((one) => Object.fromEntries(
    Object.entries(graph.run(one)).map(([name, values]) => [name, Array.from(values)])));
})));
"""


def in_node(
    folder: Path, weights: str, cases: list[tuple[dict[str, Any], list[dict[str, Tensor]]]]
) -> list[list[dict[str, list[float]]]]:
    """The outputs of graphs for inputs, by ``engine.js`` in node. Skips without node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    (folder / "engine.js").write_text(engine_source())
    (folder / "run.cjs").write_text(_RUN)
    data = {
        "weights": weights,
        "cases": [
            {
                "plan": plan,
                "inputs": [{n: v.flatten().tolist() for n, v in one.items()} for one in inputs],
            }
            for plan, inputs in cases
        ],
    }
    (folder / "cases.json").write_text(json.dumps(data))
    done = subprocess.run([node, "run.cjs"], cwd=folder, capture_output=True, text=True, check=True)
    found: list[list[dict[str, list[float]]]] = json.loads(done.stdout)
    return found


def largest_difference(one: Any, other: Tensor) -> float:
    return (torch.as_tensor(one).flatten() - other.float().flatten()).abs().max().item()
