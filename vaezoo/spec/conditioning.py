"""The condition of a spec's model, and the shapes that encoder and decoder get by it."""

from __future__ import annotations

from vaezoo.registry import Condition, ImageShape
from vaezoo.registry.module_contracts import Shape
from vaezoo.spec.spec import Spec


def condition_of(spec: Spec) -> Condition | None:
    """The condition of the model; None without one, or if the dataset does not name its classes."""
    if spec.model.condition is None:
        return None
    names = spec.dataset.class_names
    return Condition(names) if names else None


def uses_labels(spec: Spec) -> bool:
    """Whether training needs the labels of the images."""
    return spec.model.condition is not None or type(spec.loss).uses_labels


def encoder_image(spec: Spec, condition: Condition | None) -> ImageShape:
    """The shape of the images that the encoder is built for."""
    image = spec.dataset.image_shape
    if condition is None or type(spec.model.encoder).conditional:
        return image
    return condition.images(image)


def decoder_input(spec: Spec, condition: Condition | None) -> Shape:
    """The shape of the latents that the decoder is built for."""
    latents = spec.model.decoder_input
    if condition is None or type(spec.model.decoder).conditional:
        return latents
    return condition.latents(latents)
