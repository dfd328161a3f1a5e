"""``Spec``: a YAML file as a model, with every default filled in and components resolved."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticKnownError

from vaezoo.registry import (
    Component,
    Dataset,
    Decoder,
    Encoder,
    LatentSpace,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Posterior,
    Prior,
    Sampler,
    Topology,
    Visualizer,
)
from vaezoo.registry.component_field import component_field
from vaezoo.registry.fields.tagged import parse
from vaezoo.spec.section import SpecSection
from vaezoo.spec.train_options import (
    EMAField,
    GradientClipField,
    Groups,
    Part,
    StartFromField,
)

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,99}$"
LICENSE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$"
FIGURE_PATTERN = r"^(test|validation|train)/[a-z0-9_]+$"

#: The keys that determine the trained weights.
DECISIVE = ("vaezoo", "dataset", "model", "loss", "train", "start_from")
#: The keys of ``train`` that determine the number of epochs and nothing within an epoch.
HOW_LONG = ("epochs", "early_stopping")

#: The warnings of the lint, which ``ignore`` may name.
LintCode = Literal["VZ411", "VZ412", "VZ413", "VZ414", "VZ415", "VZ416", "VZ417", "VZ418", "VZ419"]

AnyDataset = Annotated[Dataset, *component_field("dataset")]
AnyEncoder = Annotated[Encoder, *component_field("encoder")]
AnyPosterior = Annotated[Posterior, *component_field("posterior")]
AnyTopology = Annotated[Topology, *component_field("topology")]
AnyDecoder = Annotated[Decoder, *component_field("decoder")]
AnyLikelihood = Annotated[Likelihood, *component_field("likelihood")]
AnyPrior = Annotated[Prior, *component_field("prior")]
AnyLoss = Annotated[Loss, *component_field("loss")]
AnyOptimizer = Annotated[Optimizer, *component_field("optimizer")]
AnySampler = Annotated[Sampler, *component_field("sampler")]
AnyMetric = Annotated[Metric, *component_field("metric")]
AnyVisualizer = Annotated[Visualizer, *component_field("visualizer")]


#: Keys of ``train`` that canonical specs omit where they have these defaults.
_NEW_TRAIN_KEYS: dict[str, Any] = {
    "precision": "float32",
    "ema": None,
    "skip_bad_steps": 0,
    "groups": {},
    "freeze": [],
}


def _is_default(section: SpecSection, key: str) -> bool:
    """Whether a component is the default of its key, with its default parameters."""
    component: Component = getattr(section, key)
    default = type(section).model_fields[key].default
    return component.name_in_spec == default and not component.model_dump(exclude_defaults=True)


#: One edge or the number of latents: larger models do not fit into memory.
Edge = Annotated[int, Field(ge=1, le=65536)]
LatentField = Edge | Annotated[tuple[Edge, ...], Field(min_length=1, max_length=3)]


class ModelSpec(SpecSection):
    """The model: encoder, posterior, topology, decoder, likelihood and prior."""

    latent: LatentField = Field(
        description="number of latents, or the shape of a grid: [channels, height, width]"
    )
    encoder: AnyEncoder = Field(description="map from images to the posterior's parameters")
    posterior: AnyPosterior = Field(
        "diagonal_gaussian",  # type: ignore[assignment]
        description="the family of q(z|x)",
    )
    topology: AnyTopology = Field(
        "single",  # type: ignore[assignment]
        description="how latent variables depend on each other",
    )
    decoder: AnyDecoder = Field(description="map from latents to the likelihood's parameters")
    likelihood: AnyLikelihood = Field("bernoulli", description="p(x|z)")  # type: ignore[assignment]
    prior: AnyPrior = Field("standard_normal", description="p(z)")  # type: ignore[assignment]
    condition: Literal["labels"] | None = Field(
        None, description="what encoder and decoder receive besides: the label of each image"
    )

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of one example's latents."""
        return (self.latent,) if isinstance(self.latent, int) else self.latent

    @property
    def latent_size(self) -> int:
        """The number of one example's latents."""
        return math.prod(self.latent_shape)

    @property
    def encoder_output(self) -> tuple[int, ...]:
        """The shape of the encoder's output for one example."""
        return self.topology.encoder_output(self.posterior, self.latent_shape)

    @property
    def decoder_input(self) -> tuple[int, ...]:
        """The shape of the decoder's input for one example."""
        return self.posterior.decoder_input(self.latent_shape)

    @property
    def prior_space(self) -> LatentSpace:
        """The latents of the prior."""
        return self.topology.prior_space(self.posterior, self.latent_shape)

    @model_serializer(mode="wrap")
    def _omit_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit the defaults of keys that older canonical specs do not have."""
        data: dict[str, Any] = handler(self)
        for key in ("posterior", "topology"):
            if _is_default(self, key):
                del data[key]
        if data.get("condition", ...) is None:
            del data["condition"]
        return data


class EarlyStopping(SpecSection):
    """Stop when the validation ELBO (β = 1) stops rising, and keep the best weights."""

    patience: int = Field(10, ge=1, description="epochs without a rise before stopping")
    min_delta: float = Field(0.0, ge=0, description="smallest rise that counts, in nats")


class TrainSpec(SpecSection):
    """How the model is trained."""

    epochs: int = Field(ge=1, description="passes over the training images")
    batch_size: int = Field(128, ge=1, description="images per step")
    optimizer: AnyOptimizer = Field("adam", description="the optimizer")  # type: ignore[assignment]
    validation: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="fraction of the training split to hold out, chosen by the seed",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**63,
        description="seed of the initial weights, image order, noise and validation split",
    )
    gradient_clip: GradientClipField = Field(
        None,
        description="limit of the gradient of the mean objective: a number or {norm: …} for its "
        "norm, {value: …} for each element",
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="stop early on the validation ELBO; needs validation above 0"
    )
    precision: Literal["float32", "tf32", "bfloat16", "auto"] = Field(
        "float32",
        description="matmul precision: auto is bfloat16 if the device supports it, else float32; "
        "tf32 needs an NVIDIA GPU",
    )
    ema: EMAField = Field(
        None,
        description="decay of a moving average of the weights, which validation, figures and the "
        "entry use",
    )
    skip_bad_steps: int = Field(
        0,
        ge=0,
        description="steps in a row to skip where the objective or gradient is not finite",
    )
    groups: Groups = Field(Groups(), description="settings of the optimizer by part of the model")
    freeze: tuple[Part, ...] = Field((), description="parts of the model that are not trained")

    @field_validator("groups", mode="before")
    @classmethod
    def _of_the_optimizer(cls, value: Any, info: ValidationInfo) -> Any:
        """Validate each group as settings of this section's optimizer."""
        if not isinstance(value, dict):
            return value
        if "optimizer" not in info.data:  # it is invalid, which is reported
            return Groups()
        return parse(Groups, value, {**(info.context or {}), "optimizer": info.data["optimizer"]})

    @model_serializer(mode="wrap")
    def _omit_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit the defaults of keys that older canonical specs do not have."""
        data: dict[str, Any] = handler(self)
        return {
            k: v for k, v in data.items() if k not in _NEW_TRAIN_KEYS or v != _NEW_TRAIN_KEYS[k]
        }


class PublishSpec(SpecSection):
    """How to write the trained model to the zoo."""

    weights: Literal["float32", "float16"] = Field(
        "float32",
        description="number format of the weights file; float16 halves its size. Weights are "
        "rounded after training, before evaluation",
    )
    license: str | None = Field(
        None,
        pattern=LICENSE_PATTERN,
        description="license of the trained model for the model card, such as mit or cc-by-4.0",
    )

    @model_serializer(mode="wrap")
    def _omit_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit null, so that canonical specs equal those from before this key existed."""
        return {key: value for key, value in handler(self).items() if value is not None}


class Target(SpecSection):
    """A published figure to reproduce, and the protocol it was measured with."""

    metric: str = Field(
        pattern=FIGURE_PATTERN,
        description="the figure, such as test/elbo or train/objective",
    )
    value: float = Field(description="the published value")
    tolerance: float = Field(ge=0, description="largest difference that counts as reproduced")
    source: str = Field(description="publication of the figure")
    likelihood: str | None = Field(
        None, description="likelihood of the published figure; the lint compares it with the spec's"
    )
    binarisation: Literal["none", "static", "dynamic"] | None = Field(
        None,
        description="binarization of the published figure; the lint compares it with the dataset's",
    )
    samples: int | None = Field(
        None,
        ge=1,
        description="draws of z per image of the published figure; the lint compares it with the "
        "metric's",
    )
    note: str | None = Field(
        None,
        min_length=1,
        description="why the figure differs from the published one, in a sentence; required if it "
        "is better by more than the tolerance",
    )

    @model_serializer(mode="wrap")
    def _omit_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit null, so that canonical specs equal those from before these keys existed."""
        return {key: value for key, value in handler(self).items() if value is not None}


class Spec(SpecSection):
    """A model of the zoo: data, model, training, evaluation and pictures."""

    vaezoo: Literal[1] = Field(description="format version")
    name: str = Field(pattern=NAME_PATTERN, description="the entry's name in the zoo")
    summary: str = Field("", max_length=300, description="one line about the model")
    dataset: AnyDataset = Field(description="images and labels")
    model: ModelSpec
    loss: AnyLoss = Field("elbo", description="the training objective")  # type: ignore[assignment]
    train: TrainSpec
    start_from: StartFromField = Field(
        None, description="an entry or weights file whose weights training starts from"
    )
    sampler: AnySampler = Field(
        "prior",  # type: ignore[assignment]
        description="how new latents are drawn; fitted after training",
    )
    metrics: tuple[AnyMetric, ...] = Field(
        ("elbo", "active_units"),  # type: ignore[arg-type]
        description="figures to compute after training",
    )
    visualizers: tuple[AnyVisualizer, ...] = Field(
        ("loss_curves", "samples", "reconstructions"),  # type: ignore[arg-type]
        description="pictures to draw after training",
    )
    targets: tuple[Target, ...] = Field((), description="published figures to reproduce")
    publish: PublishSpec = Field(PublishSpec(), description="how to write the model to the zoo")
    ignore: tuple[LintCode, ...] = Field((), description="warnings of the lint to silence")

    @field_validator("vaezoo", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any) -> Any:
        """Reject true, which equals 1 in Python."""
        if isinstance(value, bool):
            raise PydanticKnownError("int_type")
        return value

    @model_serializer(mode="wrap")
    def _omit_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit an absent start, as canonical specs from before this key do."""
        data: dict[str, Any] = handler(self)
        if data.get("start_from", ...) is None:
            del data["start_from"]
        return data

    def canonical(self) -> dict[str, Any]:
        """The spec as complete JSON data in one form, independent of the file's form.

        Omits ``ignore``, which does not change the model, and the defaults of ``publish`` and
        ``sampler``, so that canonical specs equal those from before these keys existed.
        """
        default = {"publish"} if self.publish == PublishSpec() else set()
        if _is_default(self, "sampler"):
            default.add("sampler")
        return self.model_dump(mode="json", exclude={"ignore", *default})

    def training_digest(self) -> str:
        """A SHA-256 over everything that determines an epoch, to match checkpoints with specs.

        For the number of epochs, see ``vaezoo.spec.resume_rules``.
        """
        decisive = self.model_dump(mode="json", include=set(DECISIVE))
        for name in HOW_LONG:
            del decisive["train"][name]
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
