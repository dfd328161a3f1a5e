"""The keys of a spec for each kind of component."""

from __future__ import annotations

from typing import Any

#: Kind -> key in a spec; ``[]`` marks a list.
PLACES = {
    "dataset": "dataset",
    "encoder": "model.encoder",
    "posterior": "model.posterior",
    "topology": "model.topology",
    "decoder": "model.decoder",
    "likelihood": "model.likelihood",
    "prior": "model.prior",
    "loss": "loss",
    "optimizer": "train.optimizer",
    "sampler": "sampler",
    "metric": "metrics[]",
    "visualizer": "visualizers[]",
}


def placed(kind: str, written: Any) -> dict[str, Any]:
    """The part of a spec with ``written`` as its component of that kind."""
    place = PLACES[kind]
    value: Any = [written] if place.endswith("[]") else written
    for key in reversed(place.removesuffix("[]").split(".")):
        value = {key: value}
    part: dict[str, Any] = value
    return part
