"""The shortest spec that gives the same weights and figures."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from vaezoo.diagnostics import VaezooError
from vaezoo.registry import Registry
from vaezoo.spec import from_data
from vaezoo.spec.spec import DECISIVE, Spec

#: Sections that decide the published weights and the figures, besides training.
_PUBLISHED = ("publish", "metrics")
_KEPT = (*DECISIVE[:1], "name", *DECISIVE[1:], *_PUBLISHED)


def essential(spec: Spec, registry: Registry) -> dict[str, Any]:
    """The settings that decide weights and figures, without defaults, as JSON data of a spec.

    Visualizers and targets are omitted: they do not change the model.
    """
    full = spec.canonical()
    data = {key: full[key] for key in _KEPT if key in full}
    wanted = _decisive(spec)
    for path in list(_paths(data)):
        shorter = deepcopy(data)
        _drop(shorter, path)
        if _is_equivalent(shorter, wanted, registry):
            data = shorter
    short: dict[str, Any] = _bare(data)
    return short if _is_equivalent(short, wanted, registry) else data


def _decisive(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", include={*DECISIVE, *_PUBLISHED})


def _is_equivalent(data: dict[str, Any], wanted: dict[str, Any], registry: Registry) -> bool:
    try:
        return _decisive(from_data(data, registry)) == wanted
    except VaezooError:
        return False


Path = tuple[str | int, ...]


def _paths(data: Any, above: Path = ()) -> Iterator[Path]:
    """The paths of all keys except ``use``, each section before its contents."""
    entries = enumerate(data) if isinstance(data, list) else data.items()
    for key, value in entries:
        if isinstance(data, dict) and key != "use":
            yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))


def _drop(data: Any, path: Path) -> None:
    *sections, key = path
    for section in sections:
        if isinstance(data, dict) and section not in data:  # its section was dropped
            return
        data = data[section]
    data.pop(key, None)


def _bare(value: Any) -> Any:
    """Replace each ``{use: x}`` by ``x``."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return value["use"] if value.keys() == {"use"} else {k: _bare(v) for k, v in value.items()}
