"""What a page knows of one model, as JSON data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaezoo.diagnostics.printable import in_one_line
from vaezoo.explorer.embedded_images import TestImages
from vaezoo.explorer.measure_posteriors import Posteriors, measure_posteriors, unit_batches
from vaezoo.explorer.model_graphs import ModelGraphs, model_graphs
from vaezoo.explorer.prior_contours import prior_contours
from vaezoo.explorer.run_graph import run_graph
from vaezoo.explorer.write_javascript import packed_model
from vaezoo.model.condition import LabelledPrior

if TYPE_CHECKING:
    from vaezoo.model import VAE

#: Latents of the parity check, images to check in the browser, and latents to sample.
_CHECKED, _IN_BROWSER, _DRAWS = 100, 4, 500
#: Half of a gray level. Weights in half precision that differ by more stay in float32.
_HALF_LEVEL = 1 / 510
#: Most numbers in the latents of a list; with more, a page has fewer of them.
_MOST_NUMBERS = 120_000


@dataclass(frozen=True)
class Explored:
    """A model on the CPU, its name, what ``vaezoo.load`` takes for it, and its test images.

    ``problem`` says why there are no images.
    """

    name: str
    load: str
    model: VAE
    images: TestImages | None
    problem: str = ""


@dataclass(frozen=True)
class _Parity:
    difference: float
    count: int
    half: bool


@torch.inference_mode()
def model_data(one: Explored, shown: TestImages | None) -> dict[str, Any]:
    """Everything about a model; ``shown`` are the images of the page."""
    model, images = one.model, one.images
    graphs, parity = _chosen_precision(model, model_graphs(model))
    measured = measure_posteriors(model, images.measured) if images else None
    draws = _draws(model)
    low, high = _range(draws, measured)
    return {
        "name": in_one_line(one.name),
        "load": one.load,
        "facts": [in_one_line(fact) for fact in _facts(one)],
        "packed": packed_model(model, graphs),
        "shape": list(model.space.shape),
        "support": model.space.support,
        "classes": _class_names(model),
        "drawnFrom": model.drawn_from,
        "draws": [_floats(draw) for draw in draws.values()],
        "drawCount": len(next(iter(draws.values()))),
        "low": low,
        "high": high,
        "contours": _contours(model, low, high),
        "measured": measured and _measured(model, measured),
        "means": None if shown is None else _means_of(model, shown),
        "parity": parity
        and {"difference": parity.difference, "count": parity.count, "half": parity.half},
        "check": _check(model, draws, graphs),
        "problems": [in_one_line(problem) for problem in graphs.problems],
        "problem": in_one_line(one.problem),
    }


def _facts(one: Explored) -> list[str]:
    spec, model = one.model.spec, one.model
    latents = "1 latent" if model.latent == 1 else f"{model.space} latents"
    codes = "" if model.space.levels is None else f" of {model.space.levels:,} codes"
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return [
        spec.dataset.use,
        f"{latents}{codes}",
        f"encoder {spec.model.encoder.use}",
        f"decoder {spec.model.decoder.use}",
        f"likelihood {spec.model.likelihood.use}",
        f"{parameters:,} parameters",
    ]


def _class_names(model: VAE) -> list[str] | None:
    if model.condition is None:
        return None
    return [in_one_line(name) for name in model.condition.names]


def _chosen_precision(model: VAE, graphs: ModelGraphs) -> tuple[ModelGraphs, _Parity | None]:
    """The graphs with half-precision weights, or with full precision if that shows in an image."""
    halved = graphs.halved()
    if halved.decode is None:
        return halved, None
    found = _difference(model, halved)
    if found < _HALF_LEVEL:
        return halved, _Parity(found, _CHECKED, True)
    return graphs, _Parity(_difference(model, graphs), _CHECKED, False)


def _difference(model: VAE, graphs: ModelGraphs) -> float:
    """The largest difference of a pixel between the graph and PyTorch."""
    assert graphs.decode is not None
    labels = _labels_in_turn(model, _CHECKED)
    z = model.draw(_CHECKED, torch.Generator().manual_seed(1), labels)
    wanted = model.decode(z, labels)
    return max(
        (run_graph(graphs.decode, _row(z, labels, i))["image"] - wanted[i]).abs().max().item()
        for i in range(_CHECKED)
    )


def _row(z: Tensor, labels: Tensor | None, row: int) -> Mapping[str, Tensor]:
    given = {"z": z[row : row + 1]}
    return given if labels is None else {**given, "label": labels[row : row + 1]}


def _labels_in_turn(model: VAE, count: int) -> Tensor | None:
    return None if model.condition is None else torch.arange(count) % model.condition.size


def _check(
    model: VAE, draws: Mapping[int | None, Tensor], graphs: ModelGraphs
) -> list[dict[str, Any]]:
    """Images that the browser decodes again."""
    if graphs.decode is None:
        return []
    z = next(iter(draws.values()))[:_IN_BROWSER].reshape(-1, *model.space.shape)
    labels = _labels_in_turn(model, len(z))
    found = []
    for i in range(len(z)):
        image = run_graph(graphs.decode, _row(z, labels, i))["image"]
        label = 0 if labels is None else int(labels[i])
        found.append({"z": z[i].flatten().tolist(), "label": label, "image": _floats(image)})
    return found


def _draws(model: VAE) -> dict[int | None, Tensor]:
    """Latents as ``sample`` draws them, (count, latents); of each class for a conditional prior."""
    of_each: list[int | None] = [None]
    if model.condition is not None and isinstance(model.prior, LabelledPrior):
        of_each = list(range(model.condition.size))
    count = max(50, min(_DRAWS, _MOST_NUMBERS // (model.latent * len(of_each))))
    found = {}
    for label in of_each:
        labels = None if label is None else torch.full((count,), label)
        z = model.draw(count, torch.Generator().manual_seed(0), labels)
        found[label] = z.flatten(1).float()
    return found


def _range(
    draws: Mapping[int | None, Tensor], measured: Posteriors | None
) -> tuple[list[float], list[float]]:
    """The values of each latent that are shown: those of draws and of posterior means."""
    points = torch.cat([*draws.values(), *([] if measured is None else [measured.means])]).double()
    low, high = points.quantile(0.002, dim=0), points.quantile(0.998, dim=0)
    room = 0.06 * (high - low) + 1e-3
    low, high = low - room, high + room
    if len(low) == 2:  # a plane has one scale
        center, reach = (low + high) / 2, (high - low).max() / 2
        low, high = center - reach, center + reach
    return low.tolist(), high.tolist()


def _contours(model: VAE, low: list[float], high: list[float]) -> list[Any]:
    if model.latent != 2:
        return []
    if model.condition is not None and isinstance(model.prior, LabelledPrior):
        return [prior_contours(model, low, high, label) for label in range(model.condition.size)]
    return [prior_contours(model, low, high)]


def _measured(model: VAE, found: Posteriors) -> dict[str, Any]:
    two = model.latent == 2 and model.space.levels is None
    return {
        "count": len(found.means),
        "unit": found.unit,
        "carried": [round(value, 4) for value in found.carried.tolist()],
        "used": found.used.tolist(),
        "rule": found.rule,
        "scatter": _floats(found.means) if two else None,
        "labels": found.labels.tolist() if two else None,
    }


def _means_of(model: VAE, images: TestImages) -> str | None:
    """The posterior means of the shown images; None if they are too many numbers."""
    if len(images.shown) * model.latent > _MOST_NUMBERS:
        return None
    means = [model.posterior(*batch).mean.flatten(1) for batch in unit_batches(model, images.shown)]
    return _floats(torch.cat(means))


def _floats(values: Tensor) -> str:
    """Little-endian float32 in base64."""
    return base64.b64encode(values.float().contiguous().numpy().tobytes()).decode("ascii")
