"""The visualizers as a spec names them. Each drawing is a module of its own, imported by ``draw``,
so that reading a spec imports neither torch nor matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.registry import DataFacts, Visualizer
from vaezoo.registry.contracts import EvaluationContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaezoo.spec.spec import Spec


class ImageVisualizer(Visualizer):
    """A picture that shows images, which are grey or in color."""

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        channels = spec.dataset.image_shape.channels
        if channels not in (1, 3):
            return f"images of {channels} channels have no picture; it shows 1 or 3"
        return super().data_problem(spec, data)


class LossCurves(Visualizer, use="loss_curves"):
    """Objective, −ELBO, reconstruction and KL over the epochs, for training and validation.

    Nats per example. The −ELBO has a panel of its own where the objective is something else;
    β and the learning rate have one where they change.
    """

    needs = ()
    in_reports = False

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.loss_curves import draw_loss_curves

        return draw_loss_curves(context)


class Samples(ImageVisualizer, use="samples"):
    """A grid of mean images decoded from draws of the prior."""

    needs = ()
    n: int = Field(50, ge=1, le=10_000, description="number of images")
    columns: int = Field(10, ge=1, le=100, description="images in a row")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.samples import draw_samples

        return draw_samples(context, count=self.n, columns=self.columns)


class Reconstructions(ImageVisualizer, use="reconstructions"):
    """Images of the split above their reconstructions, spread evenly over the classes."""

    n: int = Field(10, ge=1, le=100, description="images in a row")
    bands: int = Field(2, ge=1, le=20, description="pairs of rows, original and reconstruction")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.reconstructions import draw_reconstructions

        return draw_reconstructions(context, columns=self.n, bands=self.bands)


class LatentScatter(Visualizer, use="latent_scatter"):
    """Posterior means coloured by class.

    Beyond two latents their first two principal components; with one latent a strip a class.
    """

    points: int = Field(10_000, ge=1, description="most images to show, drawn by the seed")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.latent_scatter import draw_latent_scatter

        return draw_latent_scatter(context, most=self.points)


class Manifold(ImageVisualizer, use="manifold"):
    """The decoded latent plane, spaced by the inverse Gaussian CDF.

    Every image stands for an equal share of a standard normal prior. With more than two latents
    it shows the two that carry the most KL, with the others at 0; with one latent, a row.
    """

    needs = ()
    n: int = Field(20, ge=2, le=100, description="images a side")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        latent = spec.model.latent
        if latent > 2 and not data.test:
            return f"it needs images, to tell which two of {latent} latents carry the most"
        return super().data_problem(spec, data)

    def problem(self, spec: Spec) -> str | None:
        latent = spec.model.latent
        if latent <= 2:
            return None
        return f"the manifold is a plane, and of {latent} latents it leaves {latent - 2} at 0"

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.manifold import draw_manifold

        return draw_manifold(context, side=self.n)


class Traversals(ImageVisualizer, use="traversals"):
    """One row a latent dimension, moved alone from −span to span.

    Rows are ordered by the KL that the dimension carries on the split. Dimensions that the
    posterior ignores are faded. Without images at hand, rows are in the order of the latents.
    """

    needs = ()
    span: float = Field(3.0, gt=0, le=100, description="how far to go to either side of 0")
    steps: int = Field(11, ge=2, le=100, description="images in a row")
    rows: int = Field(32, ge=1, le=128, description="most dimensions to show")
    image: int | None = Field(
        None,
        ge=0,
        description="index of the image whose posterior mean the other dimensions keep; "
        "without it they stay at 0, the mean of the prior",
    )

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if self.image is not None:
            if not data.test:
                return f"it starts at image {self.image} of the dataset, which is not there"
            if self.image >= data.test:
                return f"it starts at image {self.image}, and the test split has {data.test}"
        return super().data_problem(spec, data)

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.traversals import draw_traversals

        return draw_traversals(
            context, span=self.span, steps=self.steps, most_rows=self.rows, image=self.image
        )


class Interpolations(ImageVisualizer, use="interpolations"):
    """Straight lines in latent space between pairs of images of different classes."""

    pairs: int = Field(6, ge=1, le=50, description="number of pairs, a row each")
    steps: int = Field(9, ge=2, le=100, description="decoded images, both ends included")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.interpolations import draw_interpolations

        return draw_interpolations(context, pairs=self.pairs, steps=self.steps)
