"""Compare the ELBO that a loss reports with that of its model, on the same images."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaezoo.data.binarize import held_out_images, seen_images
from vaezoo.data.pixels import to_unit
from vaezoo.data.resident import held_out_rows, select
from vaezoo.model import VAE
from vaezoo.model.evaluation_mode import evaluation_mode
from vaezoo.registry import Batch, ImageData
from vaezoo.registry.fields import value_at
from vaezoo.registry.run_notes import elbo_differs
from vaezoo.spec.conditioning import uses_labels
from vaezoo.training.loop import build_loss, stream, training_images
from vaezoo.training.observer import Observer

#: Images and draws of z per image to compare on.
_IMAGES, _DRAWS, _AT_ONCE = 256, 16, 64
#: The difference that counts: in standard errors, as a fraction of the ELBO, and in nats.
_ERRORS, _FRACTION, _NATS = 5.0, 0.002, 0.05


def elbo_notes(model: VAE, data: ImageData, observer: Observer) -> list[str]:
    """A note if the loss's ``reconstruction`` and ``kl`` are not those of the trained model.

    A model that hides a part of itself in its loss would otherwise publish figures of another
    model. The model's ELBO is estimated from its densities, log p(x, z) − log q(z|x).
    """
    by_loss, by_model = (torch.cat(parts, 1) for parts in zip(*_compared(model, data), strict=True))
    difference = by_loss - by_model
    error = _standard_error(difference)
    allowed = _ERRORS * error + _FRACTION * by_model.mean().abs().item() + _NATS
    if abs(difference.mean().item()) <= allowed:
        return []
    where = "validation" if model.spec.train.validation else "training"
    note = elbo_differs(
        model.spec.loss.use,
        by_loss=by_loss.mean().item(),
        by_model=by_model.mean().item(),
        images=f"{by_loss.shape[1]} {where} image{'s'[: by_loss.shape[1] != 1]}",
        draws=_DRAWS,
    )
    observer.warned(note)
    return [note]


def _standard_error(values: Tensor) -> float:
    """The standard error of the mean of values (draws, B), over draws and images."""
    draws, images = values.shape
    squared = values.var(0).mean().item() / (draws * images)
    if images > 1:
        squared += values.mean(0).var().item() / images
    return float(squared**0.5)


def _compared(model: VAE, data: ImageData) -> Iterator[tuple[Tensor, Tensor]]:
    """The ELBO of each draw and image by the loss and by the model, (draws, B) each, nats."""
    spec = model.spec
    loss = build_loss(spec, model.device, training_images(spec, data))
    weights = {name: value_at(v, spec.train.epochs) for name, v in spec.loss.weights.items()}
    generator = torch.Generator(model.device).manual_seed(stream(spec.train.seed, "agreement"))
    for batch in _batches(model, data):
        with torch.inference_mode(), evaluation_mode(model):
            by_loss, by_model = [], []
            for _ in range(_DRAWS):
                terms = loss(model, batch, weights, generator)
                by_loss.append(-(terms["reconstruction"] + terms["kl"]))
                by_model.append(model.trace(batch, generator).log_weights[0])
            yield torch.stack(by_loss).cpu(), torch.stack(by_model).cpu()


def _batches(model: VAE, data: ImageData) -> Iterator[Batch]:
    """Held-out images if there are any, else training images, in [0, 1] on the model's device."""
    spec = model.spec
    seed = stream(spec.train.seed, "validation")
    kept, held_out = held_out_rows(len(data.train), spec.train.validation, seed)
    few = select(data.train, (kept if held_out is None else held_out)[:_IMAGES])
    drawn = seen_images if held_out is None else held_out_images
    split = drawn(few, data.binarization)
    labels = split.labels if uses_labels(spec) else None
    for begin in range(0, len(split), _AT_ONCE):
        rows = slice(begin, begin + _AT_ONCE)
        images = to_unit(split.images[rows].to(model.device))
        yield Batch(images, None if labels is None else labels[rows].to(model.device))
