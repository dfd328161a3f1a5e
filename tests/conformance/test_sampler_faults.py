"""Faults of samplers, each found by the check for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.conformance.faults import check, fails
from vaezoo import Sampler
from vaezoo.registry import LatentSpace
from vaezoo.testing import SamplerConformance

ELSEWHERE = {"test_import_budget", "test_entry_point"}


class Net(nn.Module):
    """Normal latents around a mean. Sound."""

    mean: Tensor

    def __init__(self, latent: tuple[int, ...]) -> None:
        super().__init__()
        self.latent = latent
        self.register_buffer("mean", torch.zeros(latent))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.mean + torch.randn(count, *self.latent, generator=generator)


class Flat(Net):
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return super().sample(count, generator).flatten()


class Unseeded(Net):
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.mean + torch.randn(count, *self.latent)


class Constant(Net):
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.mean.expand(count, *self.latent)


class Forgetful(Net):
    """Loses its mean: a plain attribute is not stored."""

    def __init__(self, latent: tuple[int, ...]) -> None:
        super().__init__(latent)
        self.shift = torch.zeros(latent)

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        self.shift = torch.rand(self.latent)
        return super().load_state_dict(*arguments, **options)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.shift + super().sample(count, generator)


def sampler(net: type[Net], noise: Any = None) -> Sampler:
    class Around(Sampler, use="around"):
        """May have a fault."""

        def build(self, space: LatentSpace) -> Any:
            return net(space.shape)

        def fit(self, latents: Tensor, labels: Any, model: Any, generator: Any) -> Any:
            fitted = net(tuple(latents.shape[1:]))
            fitted.mean.copy_(latents.mean(0) + (noise() if noise else 0))
            return fitted

    return Around()


def test_a_sound_sampler_passes() -> None:
    for name in set(SamplerConformance.checks()) - ELSEWHERE:
        check(sampler(Net), name.removeprefix("test_"))


@pytest.mark.parametrize(
    ("net", "name", "message"),
    [
        (Flat, "draws", r"was not fitted: ValueError: its 16 samples have the shape"),
        (Unseeded, "draws", "two generators with the same seed draw differently"),
        (Constant, "draws", "another seed gives the same draws"),
        (Forgetful, "stored_tensors", "after loading, the draws differ"),
    ],
)
def test_a_fault_is_found(net: type[Net], name: str, message: str) -> None:
    fails(sampler(net), name, message)


def test_an_unseeded_fit_is_found() -> None:
    source = torch.Generator().manual_seed(0)
    unseeded = sampler(Net, lambda: torch.rand((), generator=source))
    fails(unseeded, "same_fit", "two fits differ")
