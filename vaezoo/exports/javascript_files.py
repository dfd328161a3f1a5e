"""Write plain JavaScript, and check its graphs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vaezoo.explorer import NotExportable, write_javascript
from vaezoo.explorer.graph import ArrayGraph
from vaezoo.explorer.model_graphs import model_graphs
from vaezoo.explorer.run_graph import run_graph
from vaezoo.exports.programs import cannot_export
from vaezoo.exports.source import DECODER, Source, Written

_FILES = {
    "engine.js": "the engine: arrays and operations, without other packages",
    "model.js": "decoder and encoder as graphs of operations, weights in float16",
    "index.html": "a page that draws a random image",
    "decode.cjs": "a program for node that prints the pixels of latents",
}
_INTERFACE = """## Calls

```js
const { decode, encode } = loadVaezooModel(engine);
decode.run({ z, label }).image   // Float32Array of C × H × W pixels in [0, 1]
encode.run({ image, label })     // mean, and where they are known sd and kl, of one image
```

Each call takes one example. `label` is needed by conditional models only."""
_CHECKED = (
    "The graph of the decoder, with weights rounded to float16, was run in Python. The encoder was "
    "not compared."
)


def write(source: Source, folder: Path) -> Written:
    """``engine.js``, ``model.js``, ``index.html`` and ``decode.cjs``.

    Raises RunError (VZ701) for an operation that the engine does not have.
    """
    try:
        write_javascript(source.model, folder)
    except NotExportable as error:
        raise cannot_export(DECODER, error) from error
    decoder = model_graphs(source.model).halved().decode
    assert decoder is not None  # otherwise nothing was written
    return Written(
        {DECODER: _Rows(decoder)}, _FILES, "", "node decode.cjs 0.5 -1", (_CHECKED,), _INTERFACE
    )


class _Rows:
    """Runs a graph, which takes one example, on each row."""

    def __init__(self, graph: ArrayGraph) -> None:
        self._graph = graph

    def __call__(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        count = len(next(iter(inputs.values())))
        rows = [
            run_graph(self._graph, {name: value[n : n + 1] for name, value in inputs.items()})
            for n in range(count)
        ]
        return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
