"""Compare what exported files return with what the model returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vaezoo.diagnostics import DataError
from vaezoo.exports.source import DECODER, ENCODER, Run
from vaezoo.model import VAE
from vaezoo.model.condition import labels_in_turn
from vaezoo.registry import ImageData

#: Number of images, and of latents that are drawn besides.
COUNT = 64
#: The share of codes that may differ: rounding decides between two codes that are equally near.
_CODES = 1e-3


@dataclass(frozen=True)
class ParityInputs:
    """Images (N, C, H, W) in [0, 1] and latents (M, *latent) to compare on, each with labels (N,)
    and (M,) for a conditional model. ``about`` says which images they are."""

    images: Tensor
    latents: Tensor
    labels: Tensor | None
    latent_labels: Tensor | None
    about: str


@dataclass(frozen=True)
class ParityCheck:
    """The largest difference of one output from the model's.

    Of codes, ``difference`` is the share that differ. ``compared`` is the number of values.
    """

    part: str
    output: str
    difference: float
    allowed: float
    compared: int
    is_code: bool = False

    @property
    def passed(self) -> bool:
        return self.difference <= self.allowed

    @property
    def text(self) -> str:
        """The difference and its limit in words."""
        if self.is_code:
            differ = round(self.difference * self.compared)
            return f"{differ:,} of {self.compared:,} codes differ, allowed {self.allowed:.1%}"
        return f"largest difference {self.difference:.1e}, allowed {self.allowed:.1e}"


def parity_inputs(model: VAE, load: Callable[[], ImageData]) -> ParityInputs:
    """``COUNT`` test images, or random ones where ``load`` raises DataError.

    The latents are the means of q(z|x) of these images, and ``COUNT`` draws of the model.
    """
    try:
        test = load().test
        images = test.images[:COUNT].to(torch.float32) / 255
        labels = None if test.labels is None else test.labels[:COUNT]
        about = f"{len(images)} test images"
    except DataError:
        generator = torch.Generator().manual_seed(0)
        images, labels = torch.rand(COUNT, *model.image_shape, generator=generator), None
        about = f"{COUNT} random images, since the dataset is not available"
    given = drawn = None
    if model.condition is not None:
        drawn = labels_in_turn(model.condition, COUNT, model.device)
        given = drawn[: len(images)] if labels is None else labels
    with torch.no_grad():
        means = model.posterior(images, given).mean
    draws = model.draw(COUNT, torch.Generator().manual_seed(0), drawn)
    latents = torch.cat([means, draws])
    both = torch.cat([given, drawn]) if given is not None and drawn is not None else None
    return ParityInputs(images, latents, given, both, about)


def compare(
    run: Mapping[str, Run], model: VAE, inputs: ParityInputs, tolerance: float
) -> tuple[ParityCheck, ...]:
    """A check for each output of each part that can be run: of all rows, and of the first alone."""
    checks: list[ParityCheck] = []
    for part, run_part in run.items():
        given, expected = _reference(part, model, inputs)
        returned = run_part(given)
        alone = run_part({name: value[:1] for name, value in given.items()})
        for name, reference in expected.items():
            found = torch.cat([returned[name], alone[name]])
            wanted = torch.cat([reference, reference[:1]])
            checks.append(_check(part, name, found, wanted, tolerance))
    return tuple(checks)


@torch.no_grad()
def _reference(
    part: str, model: VAE, inputs: ParityInputs
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The inputs of a part, and what the model returns for them."""
    if part == ENCODER:
        given, labels = {"image": inputs.images}, inputs.labels
        expected = dict(model.posterior(inputs.images, labels).parameters())
    else:
        assert part == DECODER, part
        given, labels = {"z": inputs.latents}, inputs.latent_labels
        expected = {"image": model.decode(inputs.latents, labels)}
    return (given if labels is None else {**given, "label": labels}), expected


def _check(part: str, name: str, found: Tensor, wanted: Tensor, tolerance: float) -> ParityCheck:
    if found.shape != wanted.shape:
        return ParityCheck(part, name, float("inf"), tolerance, wanted.numel())
    if not wanted.is_floating_point():
        differ = (found != wanted).double().mean().item()
        return ParityCheck(part, name, differ, _CODES, wanted.numel(), is_code=True)
    apart = (found.double() - wanted.double()).abs()
    apart = torch.where(found == wanted, 0.0, apart).nan_to_num(nan=float("inf"))
    allowed = tolerance * max(1.0, wanted.abs().max().item())
    return ParityCheck(part, name, apart.max().item(), allowed, wanted.numel())
