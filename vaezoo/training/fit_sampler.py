"""Fit a sampler to the latents of the training images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vaezoo.data.binarize import seen_images
from vaezoo.data.pixels import to_unit
from vaezoo.data.resident import held_out_rows, select
from vaezoo.model import VAE, attach_sampler
from vaezoo.registry import ImageData, Sampler, Split
from vaezoo.registry.discovery.isolation import cause_of
from vaezoo.registry.run_notes import sampler_failed
from vaezoo.spec.spec import Spec
from vaezoo.system.safetensors_io import in_format
from vaezoo.training.epoch import VALIDATION_BATCH
from vaezoo.training.loop import stream
from vaezoo.training.observer import Observer

#: Samples drawn to try a fitted sampler.
_TRIED = 16


def fit_sampler(model: VAE, data: ImageData, observer: Observer) -> list[str]:
    """Give a trained model the sampler of its spec, fitted if it has anything to fit.

    A failure must not cost the model: samples are then drawn from the prior, and the result is a
    note that says so, for the entry. The tensors are rounded to the number format of the spec.
    """
    sampler = model.spec.sampler
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if sampler.needs_fit:
                _fit(model, data, observer)
            else:
                attach_sampler(model)
            _try(model)
    except (Exception, SystemExit) as error:
        model.set_sampler("", None)
        note = sampler_failed(sampler.use, cause_of(error))
        observer.warned(note)
        return [note]
    for warning in caught:
        observer.warned(f"the sampler {sampler.use}: {warning.message}")
    return []


def training_split(spec: Spec, data: ImageData) -> Split:
    """The images that a spec trains on. If pixels are redrawn at each step, one draw of them."""
    seed = stream(spec.train.seed, "validation")
    kept, held_out = held_out_rows(len(data.train), spec.train.validation, seed)
    seen = data.train if held_out is None else select(data.train, kept)
    return seen_images(seen, data.binarization)


def _fit(model: VAE, data: ImageData, observer: Observer) -> None:
    """Fit the sampler, and give the model what loading its entry will give."""
    spec, sampler = model.spec, model.spec.sampler
    seed = stream(spec.train.seed, "sampler")
    split = _chosen(training_split(spec, data), sampler.most_images, seed)
    observer.fitting(sampler.use, len(split))
    generator = torch.Generator(model.device).manual_seed(seed)
    latents = _latents(model, split, _what(sampler, generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fitted: object = sampler.fit(latents, split.labels, model, generator)
    attach_sampler(model)
    stored: object = model.sampler
    if not isinstance(fitted, nn.Module) or not isinstance(stored, nn.Module):
        raise TypeError(f"fit gave {type(fitted).__name__}, build {type(stored).__name__}")
    stored.load_state_dict(in_format(fitted.state_dict(), spec.publish.weights))
    stored.to(model.device).eval()


def _chosen(split: Split, most: int | None, seed: int) -> Split:
    """At most ``most`` of the images, in their order."""
    if most is None or most >= len(split):
        return split
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    return select(split, order[:most].sort().values)


def _what(sampler: Sampler, generator: torch.Generator) -> Callable[[VAE, Tensor], Tensor]:
    """Make what the sampler is fitted to of a model and the encoder's output."""
    made: dict[str, Callable[[VAE, Tensor], Tensor]] = {
        "draws": lambda model, encoded: model.posterior_of(encoded).sample(generator),
        "means": lambda model, encoded: model.posterior_of(encoded).mean,
        "encoded": lambda model, encoded: encoded,
    }
    return made[sampler.latents]


# not in inference mode: a sampler may be trained on what this returns
@torch.no_grad()
def _latents(model: VAE, split: Split, what: Callable[[VAE, Tensor], Tensor]) -> Tensor:
    """``what`` of every image, in host memory."""
    model.eval()
    size = max(1, min(VALIDATION_BATCH, 2**26 // math.prod(split.images.shape[1:])))
    labels = split.labels if split.labels is None else split.labels.split(size)
    parts = []
    for index, images in enumerate(split.images.split(size)):
        given = None if labels is None else labels[index].to(model.device)
        encoded = model.encoded(to_unit(images.to(model.device)), given)
        parts.append(what(model, encoded).cpu())
    return torch.cat(parts)


def _try(model: VAE) -> None:
    """Raise ValueError unless the sampler draws finite latents of the model's shape."""
    if model.sampler is None:
        return
    z = model.draw(_TRIED, torch.Generator(model.device).manual_seed(0))
    if z.shape != (_TRIED, *model.space.shape):
        raise ValueError(f"its {_TRIED} samples have the shape {tuple(z.shape)}")
    if not z.isfinite().all():
        raise ValueError("its samples are not finite")
