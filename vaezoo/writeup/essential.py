"""The shortest spec that trains the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from vaezoo.diagnostics import VaezooError
from vaezoo.registry import Registry
from vaezoo.spec import Spec, from_data
from vaezoo.spec.schema import DECISIVE

_KEPT = (*DECISIVE[:1], "name", *DECISIVE[1:])


def essential(spec: Spec, registry: Registry) -> dict[str, Any]:
    """What decides the weights and is not a default, as JSON data that makes a spec.

    Metrics, pictures and targets are left out: they change nothing in the model.
    """
    full = spec.canonical()
    data = {key: full[key] for key in _KEPT}
    wanted = _decisive(spec)
    for path in list(_paths(data)):
        shorter = deepcopy(data)
        _drop(shorter, path)
        if _means(shorter, wanted, registry):
            data = shorter
    short: dict[str, Any] = _bare(data)
    return short if _means(short, wanted, registry) else data


def _decisive(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", include=set(DECISIVE))


def _means(data: dict[str, Any], wanted: dict[str, Any], registry: Registry) -> bool:
    try:
        return _decisive(from_data(data, registry)) == wanted
    except VaezooError:
        return False


def _paths(data: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key but those that name a component, a section before what is in it."""
    for key, value in data.items():
        if key != "use":
            yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _drop(data: dict[str, Any], path: tuple[str, ...]) -> None:
    *sections, key = path
    for section in sections:
        if section not in data:  # went with the section that it stood in
            return
        data = data[section]
    data.pop(key, None)


def _bare(value: Any) -> Any:
    """``{use: x}`` as ``x``, all through."""
    if not isinstance(value, dict):
        return value
    return value["use"] if value.keys() == {"use"} else {k: _bare(v) for k, v in value.items()}
