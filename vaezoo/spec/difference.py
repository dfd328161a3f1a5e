"""``diff``: the differences between two specs, and their effect on a trained model."""

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
from vaezoo.spec.conditioning import condition_of
from vaezoo.spec.resume_rules import can_go_on
from vaezoo.spec.spec import DECISIVE, HOW_LONG, Spec

#: A path in a resolved spec: keys from the top.
Keys = tuple[str, ...]
#: Keys about the file, not the model.
_FILE_KEYS = frozenset({"ignore"})


class Effect(Enum):
    """The effect of a change on a trained model, the most severe first."""

    WEIGHTS = "weights incompatible"
    RETRAIN = "needs retraining"
    RESUME = "safe to resume"
    COSMETIC = "cosmetic"

    @property
    def meaning(self) -> str:
        """The effect as a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Effect.WEIGHTS: "the weights do not fit: names or shapes differ",
    Effect.RETRAIN: "the weights fit, but training gives other values",
    Effect.RESUME: "a stopped run of the first can resume as the second, with the same weights "
    "as a run of the second alone",
    Effect.COSMETIC: "the weights are the same",
}


@dataclass(frozen=True)
class Change:
    """A key with its two values as JSON data; None for a missing key."""

    path: str
    before: Any
    after: Any
    effect: Effect


@dataclass(frozen=True)
class Difference:
    """The changes between two specs, the most severe first; empty if they mean the same."""

    changes: tuple[Change, ...]

    @property
    def effect(self) -> Effect | None:
        """The most severe effect of all changes."""
        return min((change.effect for change in self.changes), key=_severity, default=None)

    @property
    def goes_on(self) -> bool:
        """Whether a stopped run of the first can resume as the second.

        The names must be equal too: the run's folder is called after the name.
        """
        retrain = self.effect in (Effect.WEIGHTS, Effect.RETRAIN)
        return not retrain and all(change.path != "name" for change in self.changes)


def compare(before: Spec, after: Spec) -> Difference:
    """The changes from ``before`` to ``after``, independent of the form of their files."""
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
    return Difference(tuple(sorted(changes, key=lambda change: _severity(change.effect))))


def _severity(effect: Effect) -> int:
    return list(Effect).index(effect)


def _at(data: Any, path: Keys, spec: Spec) -> Any:
    """The value at a path of a canonical spec, or of the spec if the canonical form omits it."""
    for key in path:
        if key not in data:
            return reduce(getattr, path, spec)
        data = data[key]
    return data


def _differing(before: Any, after: Any, path: Keys) -> Iterator[Keys]:
    """The paths at which two values differ, descending while their classes are equal."""
    inner = _fields(before) if type(before) is type(after) else []
    if not inner and _meaning(before) != _meaning(after):
        yield path
    for name in inner:
        yield from _differing(getattr(before, name), getattr(after, name), (*path, name))


def _fields(value: Any) -> list[str]:
    """The fields to compare one by one; a schedule or activation is one value."""
    if not isinstance(value, BaseModel) or isinstance(value, Schedule | ActivationFunction):
        return []
    return [name for name in type(value).model_fields if name not in _FILE_KEYS]


def _meaning(value: Any) -> Any:
    """A value in a form that is equal for equal meaning.

    A component is its class, whether the spec says ``mlp`` or ``vaezoo:mlp``.
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
            shapes = _shapes(before)
            fits = shapes is not None and shapes == _shapes(after)
            return Effect.RETRAIN if fits else Effect.WEIGHTS
        case ("train", key, *_) if key in HOW_LONG:
            return Effect.RESUME if _goes_on(key, before, after) else Effect.RETRAIN
        case (key, *_) if key in DECISIVE:
            return Effect.RETRAIN
        case ("sampler", *_):  # fitted after training
            return Effect.RESUME
    return Effect.COSMETIC


def _goes_on(key: str, before: Spec, after: Spec) -> bool:
    """Whether a stopped run could resume if only this setting differed."""
    changed = before.train.model_copy(update={key: getattr(after.train, key)})
    return can_go_on(before.train, changed)


def _weights_fit(path: Keys, before: Spec, after: Spec) -> bool:
    """Whether the weights keep their names and shapes if only this differs."""
    _, part, *parameter = path
    old, new = getattr(before.model, part), getattr(after.model, part)
    if not isinstance(old, Component):
        return False
    if parameter:
        name = parameter[0]
        new = old.model_copy(update={name: getattr(new, name)})
    try:
        return bool(_weight_shapes(old) == _weight_shapes(new))
    except Exception:  # a plugin's fault must not abort the comparison
        return False


def _weight_shapes(component: Component) -> Any:
    """What a component contributes to the names and shapes of a model's weights."""
    depends_on = component.weights_depend_on()
    own = None if depends_on is None else (type(component), _meaning(depends_on))
    outputs = component.parameters_per_pixel if isinstance(component, Likelihood) else None
    return own, outputs


def _shapes(spec: Spec) -> tuple[ImageShape, int] | None:
    """The shape of an image, and the number of classes of a conditional model."""
    try:
        condition = condition_of(spec)
        return spec.dataset.image_shape, condition.size if condition else 0
    except Exception:  # unknown, or a plugin's fault: then nothing fits
        return None
