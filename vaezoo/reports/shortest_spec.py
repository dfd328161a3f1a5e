"""The shortest spec that trains the same weights and takes the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from vaezoo.diagnostics import VaezooError
from vaezoo.registry import Registry
from vaezoo.spec import from_data
from vaezoo.spec.spec import DECISIVE, Spec

#: what else decides the published weights, and the figures that are taken of them
_PUBLISHED = ("publish", "metrics")
_KEPT = (*DECISIVE[:1], "name", *DECISIVE[1:], *_PUBLISHED)


def essential(spec: Spec, registry: Registry) -> dict[str, Any]:
    """What decides the weights and figures and is not a default, as JSON data that makes a spec.

    Pictures and targets are left out: they change nothing in the model.
    """
    full = spec.canonical()
    data = {key: full[key] for key in _KEPT if key in full}
    wanted = _decisive(spec)
    for path in list(_paths(data)):
        shorter = deepcopy(data)
        _drop(shorter, path)
        if _means(shorter, wanted, registry):
            data = shorter
    short: dict[str, Any] = _bare(data)
    return short if _means(short, wanted, registry) else data


def _decisive(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", include={*DECISIVE, *_PUBLISHED})


def _means(data: dict[str, Any], wanted: dict[str, Any], registry: Registry) -> bool:
    try:
        return _decisive(from_data(data, registry)) == wanted
    except VaezooError:
        return False


Path = tuple[str | int, ...]


def _paths(data: Any, above: Path = ()) -> Iterator[Path]:
    """Every key but those that name a component, a section before what is in it."""
    entries = enumerate(data) if isinstance(data, list) else data.items()
    for key, value in entries:
        if isinstance(data, dict) and key != "use":
            yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))


def _drop(data: Any, path: Path) -> None:
    *sections, key = path
    for section in sections:
        if isinstance(data, dict) and section not in data:  # went with its own section
            return
        data = data[section]
    data.pop(key, None)


def _bare(value: Any) -> Any:
    """``{use: x}`` as ``x``, all through."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return value["use"] if value.keys() == {"use"} else {k: _bare(v) for k, v in value.items()}
