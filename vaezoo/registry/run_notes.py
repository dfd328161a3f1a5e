"""Notes of an entry about its run. Other notes follow from the recorded figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TRAINING = re.compile(
    r"the sampler \S+ was not fitted: |the loss \S+ reports an ELBO of "
    r"|the weights of \S+ that it starts from were trained on other images of "
)
_PICTURES = re.compile(r"the picture \S+ was not drawn: ")


def of_the_run(notes: Sequence[str]) -> list[str]:
    """The notes of an entry that only its run can give."""
    return [*of_training(notes), *of_pictures(notes)]


def of_training(notes: Sequence[str]) -> list[str]:
    """Those about its loss, its sampler and the weights that it starts from."""
    return [note for note in notes if _TRAINING.match(note)]


def of_pictures(notes: Sequence[str]) -> list[str]:
    """Those about pictures that failed."""
    return [note for note in notes if _PICTURES.match(note)]


def picture_failed(name: str, cause: str) -> str:
    """A picture could not be drawn."""
    return f"the picture {name} was not drawn: {cause}"


def sampler_failed(name: str, cause: str) -> str:
    """A sampler could not be fitted."""
    return f"the sampler {name} was not fitted: {cause}; samples are drawn from the prior"


def started_on_other_images(name: str, dataset: str) -> str:
    """Training began with weights that may know the test images."""
    return (
        f"the weights of {name} that it starts from were trained on other images of {dataset}: "
        "some of its test images may have been among them"
    )


def elbo_differs(loss: str, *, by_loss: float, by_model: float, images: str, draws: int) -> str:
    """The terms of a loss are not those of its model. ELBOs in nats per example."""
    return (
        f"the loss {loss} reports an ELBO of {by_loss:.2f} nats per example on {images}, but the "
        f"model has {by_model:.2f} ({draws} draws of z each): the loss's terms reconstruction and "
        "kl are not those of the model that is evaluated and published"
    )
