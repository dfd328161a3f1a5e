"""``Spec``: what a YAML file says, resolved: every default filled in, every part a component."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticKnownError

from vaezoo.registry import (
    Dataset,
    Decoder,
    Encoder,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Prior,
    Visualizer,
)
from vaezoo.registry.component_field import component_field

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,99}$"
LICENSE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$"
FIGURE_PATTERN = r"^(test|validation|train)/[a-z0-9_]+$"

#: The parts of a spec that decide the trained weights; the others say what is done with them.
DECISIVE = ("vaezoo", "dataset", "model", "loss", "train")
#: The settings of ``train`` that decide for how many epochs, and nothing within an epoch.
HOW_LONG = ("epochs", "early_stopping")

#: What the lint may say, and what ``ignore`` may name.
LintCode = Literal["VZ411", "VZ412", "VZ413", "VZ414", "VZ415", "VZ416", "VZ417", "VZ418", "VZ419"]

AnyDataset = Annotated[Dataset, *component_field("dataset")]
AnyEncoder = Annotated[Encoder, *component_field("encoder")]
AnyDecoder = Annotated[Decoder, *component_field("decoder")]
AnyLikelihood = Annotated[Likelihood, *component_field("likelihood")]
AnyPrior = Annotated[Prior, *component_field("prior")]
AnyLoss = Annotated[Loss, *component_field("loss")]
AnyOptimizer = Annotated[Optimizer, *component_field("optimizer")]
AnyMetric = Annotated[Metric, *component_field("metric")]
AnyVisualizer = Annotated[Visualizer, *component_field("visualizer")]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        defer_build=True,
        allow_inf_nan=False,  # a canonical spec is JSON, which has neither
    )


class ModelSpec(_Section):
    """The model: posterior, likelihood and prior."""

    latent: int = Field(ge=1, le=65536, description="number of latent dimensions")
    encoder: AnyEncoder = Field(description="q(z|x)")
    decoder: AnyDecoder = Field(description="latents to the likelihood's parameters")
    likelihood: AnyLikelihood = Field("bernoulli", description="p(x|z)")  # type: ignore[assignment]
    prior: AnyPrior = Field("standard_normal", description="p(z)")  # type: ignore[assignment]


class EarlyStopping(_Section):
    """Stop when the validation ELBO (β = 1) no longer rises, and keep the best weights."""

    patience: int = Field(10, ge=1, description="epochs without a rise before stopping")
    min_delta: float = Field(0.0, ge=0, description="nats that count as a rise")


class TrainSpec(_Section):
    """How the model is trained."""

    epochs: int = Field(ge=1, description="passes over the training images")
    batch_size: int = Field(128, ge=1, description="images in a step")
    optimizer: AnyOptimizer = Field("adam", description="how parameters move")  # type: ignore[assignment]
    validation: float = Field(
        0.1, ge=0, lt=1, description="fraction of the training split held out, drawn by the seed"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="decides weights, order, noise and split")
    gradient_clip: float | None = Field(
        None, gt=0, description="largest norm of the gradient of the mean objective"
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="stop on the validation ELBO; needs a validation fraction above 0"
    )
    precision: Literal["float32", "tf32", "bfloat16", "auto"] = Field(
        "float32",
        description="in which numbers training multiplies; auto is bfloat16 where the device has "
        "it and float32 elsewhere, tf32 is for NVIDIA GPUs",
    )

    @model_serializer(mode="wrap")
    def _without_the_usual(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out float32, so that a spec reads as it did before there was a choice."""
        data: dict[str, Any] = handler(self)
        if data.get("precision") == "float32":
            del data["precision"]
        return data


class PublishSpec(_Section):
    """How the trained model is written to the zoo."""

    weights: Literal["float32", "float16"] = Field(
        "float32",
        description="number format of the weights in the file; float16 halves it. Weights are "
        "rounded after training and before any figure is taken",
    )
    license: str | None = Field(
        None,
        pattern=LICENSE_PATTERN,
        description="the license of the trained model, for the card's front matter, such as mit "
        "or cc-by-4.0; left out, the card names none",
    )

    @model_serializer(mode="wrap")
    def _without_silence(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out a license that is not given, so that a spec reads as it did before."""
        return {key: value for key, value in handler(self).items() if value is not None}


class Target(_Section):
    """A published or earlier figure that a trained entry is held against."""

    metric: str = Field(
        pattern=FIGURE_PATTERN,
        description="which figure, such as test/elbo or train/objective",
    )
    value: float = Field(description="the published value")
    tolerance: float = Field(
        ge=0, description="how far off, to either side, still counts as reproduced"
    )
    source: str = Field(description="where the figure is published")
    likelihood: str | None = Field(
        None, description="the likelihood it was taken with; the lint compares it with the spec's"
    )
    binarisation: Literal["none", "static", "dynamic"] | None = Field(
        None,
        description="how pixels were made black or white for it; the lint compares it with the "
        "dataset's",
    )
    samples: int | None = Field(
        None,
        ge=1,
        description="draws of z an image that it was taken with; the lint compares it with the "
        "metric's",
    )
    note: str | None = Field(
        None,
        min_length=1,
        description="why the figure here is not the published one, in a sentence; a figure that "
        "is better by more than the tolerance needs it",
    )

    @model_serializer(mode="wrap")
    def _without_silence(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what is not said, so that a target reads as it did before it could be."""
        return {key: value for key, value in handler(self).items() if value is not None}


class Spec(_Section):
    """A model of the zoo, from data to pictures."""

    vaezoo: Literal[1] = Field(description="format version")
    name: str = Field(pattern=NAME_PATTERN, description="the entry's name in the zoo")
    summary: str = Field("", max_length=300, description="one line on what this is")
    dataset: AnyDataset = Field(description="images and labels")
    model: ModelSpec
    loss: AnyLoss = Field("elbo", description="the training objective")  # type: ignore[assignment]
    train: TrainSpec
    metrics: tuple[AnyMetric, ...] = Field(
        ("elbo", "active_units"),  # type: ignore[arg-type]
        description="figures taken after training",
    )
    visualizers: tuple[AnyVisualizer, ...] = Field(
        ("loss_curves", "samples", "reconstructions"),  # type: ignore[arg-type]
        description="pictures drawn after training",
    )
    targets: tuple[Target, ...] = Field((), description="figures that the entry is held against")
    publish: PublishSpec = Field(PublishSpec(), description="how the model is written to the zoo")
    ignore: tuple[LintCode, ...] = Field(
        (), description="warnings of the lint that are meant to be so"
    )

    @field_validator("vaezoo", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any) -> Any:
        """For Python, and so for pydantic, true is 1."""
        if isinstance(value, bool):
            raise PydanticKnownError("int_type")
        return value

    def canonical(self) -> dict[str, Any]:
        """The spec as JSON data, complete and in one form, whatever the file looked like.

        ``ignore`` is left out: it speaks of the file and changes nothing in the model. So is
        ``publish`` where it is the default: a spec reads as it did before there was a choice.
        """
        silent = {"publish"} if self.publish == PublishSpec() else set()
        return self.model_dump(mode="json", exclude={"ignore", *silent})

    def training_digest(self) -> str:
        """A SHA-256 over all that decides what an epoch does: what a checkpoint belongs to.

        For how long to train, see ``vaezoo.spec.resume_rules``.
        """
        decisive = self.model_dump(mode="json", include=set(DECISIVE))
        for name in HOW_LONG:
            del decisive["train"][name]
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
