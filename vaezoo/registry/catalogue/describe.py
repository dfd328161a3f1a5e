"""Describe one component, for ``vaezoo plugins show``."""

from __future__ import annotations

import inspect
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from vaezoo.diagnostics import Diagnostic, PluginError, UsageError, nearest
from vaezoo.diagnostics.printable import in_log, printable
from vaezoo.registry import KINDS, Component, Quantity, Registered, Registry
from vaezoo.registry.catalogue.examples import example
from vaezoo.registry.catalogue.field_text import field_words
from vaezoo.registry.catalogue.spec_keys import PLACES

#: The main method of each kind, whose docstring gives the shapes; ``build`` for the others.
_METHODS = {"metric": "compute", "visualizer": "draw"}


@dataclass(frozen=True)
class Parameter:
    """A field: its type and range as text, and its default as JSON data."""

    name: str
    type: str
    range: str
    required: bool
    default: Any
    description: str


@dataclass(frozen=True)
class ComponentSource:
    """A component and the plugin, distribution and file that it comes from."""

    kind: str
    name: str
    plugin: str
    version: str
    distribution: str | None
    file: str | None


@dataclass(frozen=True)
class Description(ComponentSource):
    """A component as text; ``makes`` describes its main method and shapes.

    ``example`` is a part of a spec in YAML, None if no valid one can be generated.
    """

    place: str
    documentation: str
    makes: str
    parameters: tuple[Parameter, ...]
    facts: dict[str, Any]
    example: str | None


def locate(name: str, registry: Registry) -> Registered:
    """Find a component as ``encoder:conv``, ``encoder:plugin:conv``, ``plugin:conv`` or ``conv``.

    Raises PluginError like ``Registry.find``, UsageError (VZ504) if several kinds have the name.
    """
    first, _, rest = name.partition(":")
    if first in KINDS and rest:
        return registry.find(first, rest)
    plugin, _, use = name.rpartition(":")
    every = registry.components()
    kinds = [
        kind
        for kind in KINDS
        if any(
            (r.component.kind, r.component.use) == (kind, use) and plugin in ("", r.plugin.name)
            for r in every
        )
    ]
    if len(kinds) == 1:
        return registry.find(kinds[0], name)
    if kinds:
        options = " or ".join(f"{kind}:{name}" for kind in kinds)
        message = f"components of several kinds have the name {name!r}"
        raise UsageError(Diagnostic("VZ504", message, hint=f"write {options}"))
    close = nearest(use, {r.component.use for r in every})
    meant = [f"{r.component.kind}:{r.component.use}" for r in every if r.component.use == close]
    hint = f"did you mean {' or '.join(meant)}? " if meant else ""
    raise PluginError(
        Diagnostic(
            "VZ301",
            f"unknown component {name!r}",
            hint=f"{hint}'vaezoo plugins list' lists all components",
        )
    )


def describe(registered: Registered, registry: Registry) -> Description:
    """Describe a component. Its example qualifies the name if several plugins share it."""
    component, plugin = registered.component, registered.plugin
    return Description(
        kind=component.kind,
        name=component.use,
        plugin=plugin.name,
        version=plugin.version,
        distribution=plugin.distribution,
        file=file_of(component),
        place=PLACES[component.kind],
        documentation=inspect.cleandoc(vars(component).get("__doc__") or ""),
        makes=_makes(component),
        parameters=tuple(_parameter(n, f) for n, f in component.model_fields.items()),
        facts=_facts(component),
        example=example(registered, _name_to_write(registered, registry), registry),
    )


def as_text(described: Description) -> str:
    """A description as plain text."""
    origin = ", ".join(filter(None, (described.distribution, described.file)))
    head = f"{described.kind} {described.name}: {described.plugin} {described.version} ({origin})"
    facts = "\n".join(f"{name}: {shown(value)}" for name, value in described.facts.items())
    sections = {
        "Parameters": _parameters_as_text(described.parameters),
        "Shapes": described.makes,
        "Class attributes": facts,
        f"Example ({described.place})": described.example
        or "none could be generated; its author can add Field(examples=…)",
    }
    titled = [f"{title}\n{textwrap.indent(body, '  ')}" for title, body in sections.items() if body]
    parts = (printable(head), described.documentation, *titled)
    return in_log("\n\n".join(text.rstrip() for text in parts if text))


def shown(value: Any) -> str:
    """JSON data as YAML on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}".replace("e-0", "e-")
        case list() | tuple():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {shown(item)}' for key, item in value.items())}}}"
        case "":
            return "''"
    return str(value)


def file_of(component: type[Component]) -> str | None:
    """The source file of a component's class."""
    return getattr(sys.modules.get(component.__module__), "__file__", None)


def _makes(component: type[Component]) -> str:
    """The signature and docstring of the component's main method."""
    method = getattr(component, _METHODS.get(component.kind, "build"))
    names = [name for name in inspect.signature(method).parameters if name != "self"]
    return f"{method.__name__}({', '.join(names)})\n{inspect.getdoc(method) or ''}".strip()


def _parameter(name: str, field: FieldInfo) -> Parameter:
    text = field_words(field)
    return Parameter(
        name=name,
        type=text.type,
        range=text.range,
        required=field.is_required(),
        default=None if field.is_required() else _default(field),
        description=field.description or "",
    )


def _default(field: FieldInfo) -> Any:
    try:
        return to_jsonable_python(field.get_default(call_default_factory=True), fallback=str)
    except Exception:  # a factory that needs the other fields, or fails
        return None


def _facts(component: type[Component]) -> dict[str, Any]:
    """The class attributes that describe the component, such as a metric's figures."""
    names = sorted(KINDS[component.kind].__class_vars__ - {"kind", "use"})
    values = {name: getattr(component, name) for name in names}
    return {name: to_jsonable_python(_readable(v), fallback=str) for name, v in values.items()}


def _readable(value: Any) -> Any:
    """A class attribute, with figures as short text."""
    if not isinstance(value, tuple) or not all(isinstance(one, Quantity) for one in value):
        return value
    sides = {"higher": ", higher is better", "lower": ", lower is better"}
    return [f"{one.name} ({one.unit}{sides.get(one.better, '')})" for one in value]


def _name_to_write(registered: Registered, registry: Registry) -> str:
    component = registered.component
    try:
        registry.find(component.kind, component.use)
    except PluginError:  # several plugins have the name
        return registered.qualified
    return component.use


def _parameters_as_text(parameters: tuple[Parameter, ...]) -> str:
    lines = []
    for one in parameters:
        default = "required" if one.required else f"default {shown(one.default)}"
        kept = f" ({one.range})" if one.range else ""
        lines.append(f"{one.name}: {one.type}{kept}, {default}\n    {one.description}".rstrip())
    return "\n".join(lines) or "none"
