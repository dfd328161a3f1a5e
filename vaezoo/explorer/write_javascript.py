"""A model as a folder of plain JavaScript, for other pages and for node."""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.explorer.model_graphs import ModelGraphs, model_graphs
from vaezoo.explorer.pack_graph import PackedWeights, pack
from vaezoo.explorer.script_text import script_json
from vaezoo.system.files import write_output

if TYPE_CHECKING:
    from vaezoo.model import VAE

_PAGE = """<!doctype html>
<meta charset="utf-8"><title>A decoder in JavaScript</title>
<canvas id="image"></canvas>
<script src="engine.js"></script><script src="model.js"></script>
<script>
const { decode } = loadVaezooModel(VaezooEngine), [C, H, W] = VAEZOO_MODEL.image;
const z = Float32Array.from({ length: VAEZOO_MODEL.latents }, () => VAEZOO_MODEL.levels
  ? Math.floor(Math.random() * VAEZOO_MODEL.levels) : 2 * Math.random() - 1);
const pixels = decode.run({ z, label: [0] }).image, canvas = document.getElementById("image");
[canvas.width, canvas.height] = [W, H];
const data = new ImageData(W, H);
for (let i = 0; i < H * W; i++) {
  for (let c = 0; c < 3; c++) data.data[4 * i + c] = 255 * pixels[(C > 1 ? c : 0) * H * W + i];
  data.data[4 * i + 3] = 255;
}
canvas.getContext("2d").putImageData(data, 0, 0);
</script>
"""

_SCRIPT = """// node decode.cjs 0.5 -1 …  prints the pixels of these latents; zeros without numbers
const engine = require("./engine.js");
const { VAEZOO_MODEL, loadVaezooModel } = require("./model.js");
const { decode } = loadVaezooModel(engine);
const given = process.argv.slice(2).map(Number);
const z = Float32Array.from({ length: VAEZOO_MODEL.latents }, (_, i) => given[i] || 0);
console.log(JSON.stringify({
  shape: VAEZOO_MODEL.image, image: Array.from(decode.run({ z, label: [0] }).image),
}));
"""

_LOAD = """
function loadVaezooModel(engine) {
  const bytes = engine.fromBase64(VAEZOO_MODEL.weights), found = {};
  for (const name of ["decode", "encode"]) {
    if (VAEZOO_MODEL[name]) found[name] = new engine.Graph(VAEZOO_MODEL[name], bytes);
  }
  return found;
}
if (typeof module !== "undefined") module.exports = { VAEZOO_MODEL, loadVaezooModel };
"""


def packed_model(model: VAE, graphs: ModelGraphs) -> dict[str, Any]:
    """Graphs, weights in base64 and shapes of a model, as JSON data."""
    weights = PackedWeights()
    found: dict[str, Any] = {
        "image": list(model.image_shape),
        "latents": model.latent,
        "levels": model.space.levels,
    }
    for name, graph in (("decode", graphs.decode), ("encode", graphs.encode)):
        found[name] = None if graph is None else pack(graph, weights)
    found["weights"] = base64.b64encode(weights.bytes()).decode("ascii")
    return found


def engine_source() -> str:
    """The text of ``engine.js``."""
    return resources.files("vaezoo.explorer").joinpath("engine.js").read_text(encoding="utf-8")


def write_javascript(model: VAE, folder: Path) -> list[Path]:
    """Write a model's decoder and encoder into an existing folder; the paths of the files.

    ``index.html`` draws a random image, and ``node decode.cjs 0.5 -1`` prints its pixels. Weights
    are float16, as in an explorer page. Raises NotExportable with the operator if the decoder
    cannot be exported, OSError if a file cannot be written.
    """
    graphs = model_graphs(model)
    if graphs.decode is None:
        raise graphs.not_exportable()
    packed = script_json(packed_model(model, graphs.halved()))
    data = f"const VAEZOO_MODEL = {packed};\n{_LOAD}"
    texts = {
        "engine.js": engine_source(),
        "model.js": data,
        "index.html": _PAGE,
        "decode.cjs": _SCRIPT,
    }
    for name, text in texts.items():
        write_output(folder / name, text.encode())
    return [folder / name for name in texts]
