"""Metrics: figures taken from a trained model."""

from __future__ import annotations

from pydantic import Field

from vaezoo.registry import Component, Figure, Metric, Scene


class ELBOMetric(Metric, use="elbo"):
    """The evidence lower bound with β = 1, and its two parts, whatever the objective weighed.

    Each image is encoded once; the reconstruction term is a mean over ``samples`` draws of z.
    The KL term is closed where the prior has a closed form.
    """

    figures = ("elbo", "reconstruction", "kl")
    samples: int = Field(10, ge=1, description="draws of z for each image")

    def compute(self, scene: Scene) -> list[Figure]:
        """elbo (negative, higher is better), reconstruction and kl, nats per example."""
        from vaezoo.components.nets.estimators import elbo_figures

        return elbo_figures(scene, self.samples)


class ActiveUnits(Metric, use="active_units"):
    """How many latent dimensions are in use: those whose posterior mean varies over the images
    with a variance above ``threshold`` (Burda, Grosse and Salakhutdinov 2016, section 5)."""

    figures = ("active_units",)
    threshold: float = Field(0.01, gt=0, description="least variance of an active dimension")

    def compute(self, scene: Scene) -> list[Figure]:
        """active_units, with the variance of each dimension's posterior mean."""
        from vaezoo.components.nets.estimators import active_units_figure

        return [active_units_figure(scene, self.threshold)]


COMPONENTS: list[type[Component]] = [ELBOMetric, ActiveUnits]
