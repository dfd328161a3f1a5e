"""A plugin: the loss of the FactorVAE (Kim and Mnih 2018, arXiv:1802.05983), with a player."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from vaezoo import Component, Loss, NonNegative, Optimizer, hookimpl
from vaezoo.components.optimizers import Adam


class FactorVAE(Loss, use="factor_vae"):
    """−ELBO + γ TC(z), where a discriminator estimates the total correlation TC(z)."""

    gamma: NonNegative = Field(4.0, description="weight of the total correlation")
    latent: int = Field(2, ge=2, description="number of latents")
    hidden: int = Field(32, ge=1, description="units of the discriminator's layers")

    def players(self) -> Mapping[str, Optimizer]:
        return {"discriminator": Adam(lr=1e-2, betas=(0.5, 0.9))}

    def build(self) -> Any:
        import torch
        from torch import Tensor, nn

        def permuted(z: Tensor, generator: torch.Generator) -> Tensor:
            """Each latent of another example: draws of Π q(z_j)."""
            noise = torch.rand(z.shape, generator=generator, device=z.device)
            return z.gather(0, noise.argsort(0))

        class Net(nn.Module):
            def __init__(self, latent: int, hidden: int) -> None:
                super().__init__()
                layers = [nn.Linear(latent, hidden), nn.LeakyReLU(0.2)]
                layers += [nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)]
                self.players = nn.ModuleDict({"discriminator": nn.Sequential(*layers)})

            def logit(self, z: Tensor) -> Tensor:
                """log q(z) − log Π q(z_j), as the discriminator sees it: (B,)."""
                return self.players["discriminator"](z)[:, 0]

            def forward(
                self, model: Any, batch: Any, weights: Any, generator: torch.Generator
            ) -> dict[str, Tensor]:
                trace = model.trace(batch, generator)
                z = trace.sites[0].z
                correlation = self.logit(z)
                negative_elbo = trace.reconstruction + trace.kl
                other = permuted(z.detach(), generator)
                softplus = nn.functional.softplus
                told_apart = softplus(-self.logit(z.detach())) + softplus(self.logit(other))
                return {
                    "objective": negative_elbo + weights["gamma"] * correlation,
                    "reconstruction": trace.reconstruction,
                    "kl": trace.kl,
                    "player.discriminator": told_apart / 2,
                }

        return Net(self.latent, self.hidden)


class KeptFactorVAE(FactorVAE, use="kept_factor_vae"):
    """Keeps its discriminator in the entry."""

    keep_players = True


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    return [FactorVAE, KeptFactorVAE]
