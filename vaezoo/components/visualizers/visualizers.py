"""The built-in visualizers. ``draw`` imports the drawing code, which needs torch and matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from vaezoo.diagnostics import suggest
from vaezoo.registry import DataFacts, Visualizer
from vaezoo.registry.contracts import EvaluationContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaezoo.spec.spec import Spec


class ImageVisualizer(Visualizer):
    """A picture that shows gray or color images."""

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        channels = spec.dataset.image_shape.channels
        if channels not in (1, 3):
            return f"it cannot draw images with {channels} channels; it needs 1 or 3"
        return super().data_problem(spec, data)


class ClassVisualizer(ImageVisualizer):
    """A picture that is drawn for one class if the model has a condition."""

    label: int | str | None = Field(
        None,
        description="class that a conditional model is drawn for, by name or number; by default "
        "the first",
    )

    @model_serializer(mode="wrap")
    def _omit_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit null, so that canonical specs equal those from before this key existed."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if (key, value) != ("label", None)}

    def problem(self, spec: Spec) -> str | None:
        return self._class_problem(spec)

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        return self._class_problem(spec) or super().data_problem(spec, data)

    def _class_problem(self, spec: Spec) -> str | None:
        """Why it cannot be drawn for ``label``, else None."""
        if self.label is None:
            return None
        if spec.model.condition is None:
            return f"it is drawn for the class {self.label!r}, but the model has no condition"
        names = spec.dataset.class_names or ()
        known = range(len(names)) if isinstance(self.label, int) else names
        if not names or self.label in known:
            return None
        return f"there is no class {self.label!r}; {suggest(str(self.label), names, 'classes')}"


class LossCurves(Visualizer, use="loss_curves"):
    """Objective, −ELBO, reconstruction and KL over the epochs, for training and validation.

    In nats per example. The −ELBO has its own panel if the objective differs from it; β and the
    learning rate have one if they change.
    """

    needs = ()
    in_reports = False

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.loss_curves import draw_loss_curves

        return draw_loss_curves(context)


class Samples(ImageVisualizer, use="samples"):
    """Grid of mean images decoded from draws of the prior.

    If the model has a condition, a row for each class, all with the same seed.
    """

    needs = ()
    n: int = Field(
        50,
        ge=1,
        le=10_000,
        description="number of images; a conditional model has ``columns`` of each class",
    )
    columns: int = Field(10, ge=1, le=100, description="images per row")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.samples import draw_samples

        return draw_samples(context, count=self.n, columns=self.columns)


class Reconstructions(ImageVisualizer, use="reconstructions"):
    """Images above their reconstructions, spread evenly over the classes."""

    n: int = Field(10, ge=1, le=100, description="images per row")
    bands: int = Field(2, ge=1, le=20, description="pairs of rows: originals and reconstructions")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.reconstructions import draw_reconstructions

        return draw_reconstructions(context, columns=self.n, bands=self.bands)


class LatentScatter(Visualizer, use="latent_scatter"):
    """Posterior means, colored by class.

    Shows the first two principal components for more than two latents, and one strip per class
    for one latent.
    """

    points: int = Field(10_000, ge=1, description="maximum number of images, chosen by the seed")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.latent_scatter import draw_latent_scatter

        return draw_latent_scatter(context, most=self.points)


class Manifold(ClassVisualizer, use="manifold"):
    """The decoded latent plane, spaced by the inverse Gaussian CDF.

    Every image has the same probability under a standard normal prior. With more than two
    latents, shows the two with the most KL and sets the others to 0; with one latent, a row.
    """

    needs = ()
    n: int = Field(20, ge=2, le=100, description="images per side")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        latent = spec.model.latent_size
        if latent > 2 and not data.test:
            return f"it needs images to find the two of {latent} latents with the most KL"
        return super().data_problem(spec, data)

    def problem(self, spec: Spec) -> str | None:
        latent = spec.model.latent_size
        if latent <= 2 or self._class_problem(spec):
            return self._class_problem(spec)
        return f"the manifold shows 2 of {latent} latents and sets the other {latent - 2} to 0"

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.manifold import draw_manifold

        return draw_manifold(context, side=self.n, label=self.label)


class Traversals(ClassVisualizer, use="traversals"):
    """One row per latent dimension, which alone varies from −span to span.

    Rows are ordered by the dimension's KL on the split, or by its index without images. Unused
    dimensions are faded.
    """

    needs = ()
    span: float = Field(3.0, gt=0, le=100, description="largest distance from 0")
    steps: int = Field(11, ge=2, le=100, description="images per row")
    rows: int = Field(32, ge=1, le=128, description="maximum number of dimensions")
    image: int | None = Field(
        None,
        ge=0,
        description="index of an image whose posterior mean the other dimensions keep; by "
        "default they are 0",
    )

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if self.image is not None:
            if not data.test:
                return f"it starts at image {self.image} of the dataset, which is not available"
            if self.image >= data.test:
                return f"it starts at image {self.image}, but the test split has {data.test}"
        return super().data_problem(spec, data)

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.traversals import draw_traversals

        return draw_traversals(
            context,
            span=self.span,
            steps=self.steps,
            most_rows=self.rows,
            image=self.image,
            label=self.label,
        )


class Interpolations(ClassVisualizer, use="interpolations"):
    """Linear interpolation in latent space between pairs of images of different classes.

    If the model has a condition, between images of one class.
    """

    pairs: int = Field(6, ge=1, le=50, description="number of pairs, one per row")
    steps: int = Field(9, ge=2, le=100, description="decoded images, including both ends")

    def draw(self, context: EvaluationContext) -> Figure:
        from vaezoo.components.visualizers.interpolations import draw_interpolations

        return draw_interpolations(context, pairs=self.pairs, steps=self.steps, label=self.label)
