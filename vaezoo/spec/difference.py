"""``diff``: what two specs mean differently, and what that does to a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Any

from pydantic import BaseModel

from vaezoo.registry import Component, ImageShape, Likelihood
from vaezoo.registry.fields.activation import ActivationFunction
from vaezoo.registry.fields.schedule import Schedule
from vaezoo.spec.resume_rules import can_go_on
from vaezoo.spec.spec import DECISIVE, HOW_LONG, Spec

#: Where something stands in a resolved spec: keys from the top.
Keys = tuple[str, ...]
#: Keys that speak of the file and not of the model.
_OF_THE_FILE = frozenset({"ignore"})


class Effect(Enum):
    """What a change does to a model that was trained before it, the gravest first."""

    WEIGHTS = "weights incompatible"
    RETRAIN = "needs retraining"
    RESUME = "safe to resume"
    COSMETIC = "cosmetic"

    @property
    def meaning(self) -> str:
        """The effect in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Effect.WEIGHTS: "weights of one do not fit the other: names or shapes differ",
    Effect.RETRAIN: "weights of one fit the other, which would have trained to other values",
    Effect.RESUME: "a stopped run of the first goes on as the second, to the same weights as a "
    "run of the second alone",
    Effect.COSMETIC: "the weights are the same",
}


@dataclass(frozen=True)
class Change:
    """A key whose value differs, both as JSON data; None where one has no such key."""

    path: str
    before: Any
    after: Any
    effect: Effect


@dataclass(frozen=True)
class Difference:
    """All that differs between two specs, the gravest first; nothing where they mean the same."""

    changes: tuple[Change, ...]

    @property
    def effect(self) -> Effect | None:
        """What all the changes together do: the gravest of their effects."""
        return min((change.effect for change in self.changes), key=_gravity, default=None)

    @property
    def goes_on(self) -> bool:
        """Whether a stopped run of the first goes on as the second: also by its name, after
        which the folder of a run is called."""
        grave = self.effect in (Effect.WEIGHTS, Effect.RETRAIN)
        return not grave and all(change.path != "name" for change in self.changes)


def compare(before: Spec, after: Spec) -> Difference:
    """How ``after`` differs from ``before``, whatever the two look like in their files."""
    data = before.canonical(), after.canonical()
    changes = [
        Change(
            ".".join(path),
            _at(data[0], path, before),
            _at(data[1], path, after),
            _effect(path, before, after),
        )
        for path in _differing(before, after, ())
    ]
    return Difference(tuple(sorted(changes, key=lambda change: _gravity(change.effect))))


def _gravity(effect: Effect) -> int:
    return list(Effect).index(effect)


def _at(data: Any, path: Keys, spec: Spec) -> Any:
    """The value at a path of a canonical spec, or of the spec itself where that leaves it out."""
    for key in path:
        if key not in data:
            return reduce(getattr, path, spec)
        data = data[key]
    return data


def _differing(before: Any, after: Any, path: Keys) -> Iterator[Keys]:
    """The paths at which two resolved values differ, as far down as they are of one class."""
    inner = _fields(before) if type(before) is type(after) else []
    if not inner and _meaning(before) != _meaning(after):
        yield path
    for name in inner:
        yield from _differing(getattr(before, name), getattr(after, name), (*path, name))


def _fields(value: Any) -> list[str]:
    """The fields to look at one by one; a schedule and an activation are one value."""
    if not isinstance(value, BaseModel) or isinstance(value, Schedule | ActivationFunction):
        return []
    return [name for name in type(value).model_fields if name not in _OF_THE_FILE]


def _meaning(value: Any) -> Any:
    """A resolved value, so that two are equal that do the same.

    A component is its class, whether a spec calls it ``mlp`` or ``vaezoo:mlp``.
    """
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return type(value), {name: _meaning(getattr(value, name)) for name in fields}
    if isinstance(value, tuple | list):
        return [_meaning(item) for item in value]
    return value


def _effect(path: Keys, before: Spec, after: Spec) -> Effect:
    match path:
        case ("model", *_):
            return Effect.RETRAIN if _weights_fit(path, before, after) else Effect.WEIGHTS
        case ("dataset", *_):
            shape = _image_shape(before)
            fits = shape is not None and shape == _image_shape(after)
            return Effect.RETRAIN if fits else Effect.WEIGHTS
        case ("train", key, *_) if key in HOW_LONG:
            return Effect.RESUME if _goes_on(key, before, after) else Effect.RETRAIN
        case (key, *_) if key in DECISIVE:
            return Effect.RETRAIN
    return Effect.COSMETIC


def _goes_on(key: str, before: Spec, after: Spec) -> bool:
    """Whether a stopped run could go on if this setting were the only one that differs."""
    changed = before.train.model_copy(update={key: getattr(after.train, key)})
    return can_go_on(before.train, changed)


def _weights_fit(path: Keys, before: Spec, after: Spec) -> bool:
    """Whether the weights keep their names and shapes if this is the only thing that differs."""
    _, part, *parameter = path
    former, latter = getattr(before.model, part), getattr(after.model, part)
    if not isinstance(former, Component):
        return False
    if parameter:
        name = parameter[0]
        latter = former.model_copy(update={name: getattr(latter, name)})
    try:
        return bool(_footprint(former) == _footprint(latter))
    except Exception:  # a plugin's fault must not end the comparison
        return False


def _footprint(component: Component) -> Any:
    """What a component decides about the names and shapes of a model's weights."""
    depends_on = component.weights_depend_on()
    own = None if depends_on is None else (type(component), _meaning(depends_on))
    outputs = component.parameters_per_pixel if isinstance(component, Likelihood) else None
    return own, outputs


def _image_shape(spec: Spec) -> ImageShape | None:
    try:
        return spec.dataset.image_shape
    except Exception:  # a dataset that cannot tell, or a plugin's fault: then nothing fits
        return None
