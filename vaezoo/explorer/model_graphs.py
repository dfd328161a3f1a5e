"""The graphs of a VAE: decoding, and the posterior of an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaezoo.explorer.export_graph import export_graph
from vaezoo.explorer.graph import ArrayGraph
from vaezoo.explorer.operator_converter import NotExportable
from vaezoo.explorer.pack_graph import in_half_precision
from vaezoo.explorer.run_graph import run_graph
from vaezoo.model.evaluation_mode import evaluation_mode
from vaezoo.registry.contracts import Batch

if TYPE_CHECKING:
    from vaezoo.model import VAE

#: Largest difference of a graph from its module, for values up to 1 and as a share of larger ones.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class ModelGraphs:
    """The graphs of a model, and why one of them is missing.

    ``decode`` maps ``z`` (1, *latent) to ``image`` (1, C, H, W) in [0, 1]. ``encode`` maps
    ``image`` to ``mean`` (1, *latent), and where they are known ``sd`` of the same shape and
    ``kl`` (1, latents) in nats. Both take ``label`` (1,) if the model has a condition.
    """

    decode: ArrayGraph | None
    encode: ArrayGraph | None
    problems: tuple[str, ...] = ()

    def halved(self) -> ModelGraphs:
        """The same graphs with their large constants rounded to half precision."""
        return ModelGraphs(
            None if self.decode is None else in_half_precision(self.decode),
            None if self.encode is None else in_half_precision(self.encode),
            self.problems,
        )

    def not_exportable(self) -> NotExportable:
        """The error for a model that has to have a graph and has none."""
        return NotExportable("; ".join(self.problems))


class DecoderPart(nn.Module):
    """Latents [and a label] -> the mean image in [0, 1]."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """z (B, *latent), label int64 (B,) -> ``image`` (B, C, H, W)."""
        model = self.model
        parameters = model.decoded(model.family.features(z), label)
        return {"image": model.likelihood.mean(parameters).clamp(0, 1)}


class _Encoding(nn.Module):
    def __init__(self, model: VAE, *, with_kl: bool) -> None:
        super().__init__()
        self.model = model
        self.with_kl = with_kl

    def forward(self, image: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        model = self.model
        posterior = model.posterior(image, label)
        found = {"mean": posterior.mean}
        if posterior.variance is not None:
            found["sd"] = posterior.variance.sqrt()
        kl = model.prior_given(label).kl(posterior) if self.with_kl else None
        if kl is not None:
            found["kl"] = kl
        return found


def model_graphs(model: VAE) -> ModelGraphs:
    """Export what can be exported; ``problems`` names the operator of what cannot."""
    label = {} if model.condition is None else {"label": torch.zeros(1, dtype=torch.int64)}
    generator = torch.Generator().manual_seed(0)
    z = {"z": _some_latents(model, generator), **label}
    image = {"image": torch.rand(1, *model.image_shape, generator=generator), **label}
    problems: list[str] = []
    found: list[ArrayGraph | None] = []
    with evaluation_mode(model):
        encoding = _Encoding(model, with_kl=_has_one_exact_kl(model))
        for what, module, inputs in (
            ("the decoder", DecoderPart(model), z),
            ("the encoder", encoding, image),
        ):
            try:
                graph = export_graph(module.eval(), inputs)
                _require_same(graph, module, inputs)
                found.append(graph)
            except NotExportable as error:
                found.append(None)
                problems.append(f"{what} cannot run in the page: {error}")
    return ModelGraphs(found[0], found[1], tuple(problems))


def _some_latents(model: VAE, generator: torch.Generator) -> Tensor:
    shape = (1, *model.space.shape)
    if model.space.levels is None:
        return torch.randn(shape, generator=generator)
    return torch.randint(0, model.space.levels, shape, generator=generator)


def _require_same(graph: ArrayGraph, module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Raise NotExportable if a graph computes something else than its module."""
    with torch.no_grad():
        wanted = module(*inputs.values())
    found = run_graph(graph, inputs)
    for name, values in wanted.items():
        difference = (found[name] - values.float()).abs().max().item()
        if not difference <= _TOLERANCE * (1 + values.abs().max().item()):
            raise NotExportable(f"its graph differs from PyTorch by {difference:.2g} in {name}")


@torch.inference_mode()
def _has_one_exact_kl(model: VAE) -> bool:
    """Whether the only KL of the model is that of the latents that the decoder receives."""
    batch = Batch(torch.zeros(1, *model.image_shape, device=model.device))
    trace = model.trace(batch, torch.Generator(model.device).manual_seed(0))
    return len(trace.sites) == 1 and trace.has_exact_kl
