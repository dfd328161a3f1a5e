"""Bounds on log p(x), and what keeps some of them from being one."""

from __future__ import annotations

from pydantic import Field

from vaezoo.registry import Figure, Metric, Quantity, Scene
from vaezoo.registry.quantity import ELBO, KL, RECONSTRUCTION


class ELBOMetric(Metric, use="elbo"):
    """The evidence lower bound with β = 1, and its two parts, whatever the objective weighed.

    Each image is encoded once; the reconstruction term is a mean over ``samples`` draws of z.
    The KL term is closed where the prior has a closed form. ``kl`` is the rate and
    ``reconstruction`` the distortion of the model as a code (Alemi et al. 2018,
    arXiv:1711.00464).
    """

    figures = (ELBO, RECONSTRUCTION, KL)
    samples: int = Field(10, ge=1, description="draws of z for each image")

    def compute(self, scene: Scene) -> list[Figure]:
        """elbo (negative, higher is better), reconstruction and kl, nats per example."""
        from vaezoo.components.nets.estimators import elbo_figures

        return elbo_figures(scene, self.samples)


class ImportanceWeighted(Metric, use="importance_weighted"):
    """The importance-weighted bound on log p(x): log 1/K Σ p(x, z_k) / q(z_k|x), z_k ~ q(z|x).

    It lies above the ELBO, grows with K and reaches log p(x) in the limit (Burda, Grosse and
    Salakhutdinov 2016, arXiv:1509.00519, equation 8). Each image is encoded once.
    """

    figures = (
        Quantity(
            "iw_bound",
            "higher",
            title="importance-weighted bound",
            with_samples="rises",
            role="bound",
            formula=r"\log \frac{1}{K} \sum_{k=1}^{K} \frac{p_\theta(x, z_k)}{q_\phi(z_k\mid x)}",
        ),
    )
    samples: int = Field(1000, ge=1, description="draws of z for each image, K")

    def compute(self, scene: Scene) -> list[Figure]:
        """iw_bound (negative, higher is better), nats per example."""
        from vaezoo.components.nets.importance import importance_weighted_figure

        return [importance_weighted_figure(scene, self.samples)]


class EntropyFloor(Metric, use="entropy_floor"):
    """What binary cross-entropy cannot fall below: the entropy of the images' own grey levels.

    Cross-entropy on grey levels is no likelihood. A perfect copy still scores −Σ x log x +
    (1 − x) log(1 − x); on binary images the floor is 0. It depends on the images alone.
    """

    figures = (Quantity("entropy_floor", "neither", least=0.0, role="floor"),)

    def compute(self, scene: Scene) -> list[Figure]:
        """entropy_floor, nats per example: the least reconstruction term of ``bernoulli``."""
        from vaezoo.components.nets.estimators import entropy_floor_figure

        return [entropy_floor_figure(scene)]
