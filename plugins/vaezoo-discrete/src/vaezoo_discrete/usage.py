"""How often each code is used."""

from __future__ import annotations

import torch

from vaezoo import EvaluationContext, Figure

_BATCH = 500


@torch.inference_mode()
def usage_figures(context: EvaluationContext) -> list[Figure]:
    """perplexity and codes_used of all images of the split."""
    model, levels = context.model, context.model.space.levels
    assert levels is not None
    counts = torch.zeros(levels, dtype=torch.float64)
    for images in context.split.images.split(_BATCH):
        codes = model.encode(images).flatten().cpu()
        counts += torch.bincount(codes, minlength=levels)
        context.advance(len(images))
    shares = counts / counts.sum()
    entropy = -torch.xlogy(shares, shares).sum().item()
    values = {
        "perplexity": float(torch.tensor(entropy).exp()),
        "codes_used": float((counts > 0).sum()),
    }
    return [
        Figure(
            name=name,
            value=value,
            unit=f"codes of {levels:,}",
            split=context.split_name,
            likelihood=context.spec.model.likelihood.use,
            binarisation=str(context.binarization),
            samples=0,
            examples=len(context.split),
        )
        for name, value in values.items()
    ]
