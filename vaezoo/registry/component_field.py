"""Pydantic field types that resolve a component through the registry."""

from __future__ import annotations

from typing import Any

from pydantic import PlainSerializer, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticSerializationError

from vaezoo.diagnostics import Diagnostic, PluginError
from vaezoo.registry.component import Component
from vaezoo.registry.discovery import cause_of
from vaezoo.registry.discovery.plugin_findings import unusable
from vaezoo.registry.fields.tagged import parse, split_use
from vaezoo.registry.registry import Registered


class Resolve:
    """Validates ``name`` or ``{use: name, …}`` as a component of one kind.

    The registry is in the validation context, under the key ``registry``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, value: Any, info: ValidationInfo) -> Component:
        if isinstance(value, Component):
            if type(value).kind == self.kind:
                return value
            raise ValueError(f"must be a {self.kind}, not a {type(value).kind}")
        name, parameters = split_use(value, self.kind)
        if info.context is None:
            raise ValueError("the validation context needs a registry to resolve components")
        try:
            registered = info.context["registry"].find(self.kind, name)
        except PluginError as error:
            raise _as_pydantic(error.diagnostics[0]) from None
        try:
            component: Component = parse(registered.component, parameters, info.context)
            component.model_dump_json()  # what cannot be stored is found before training
        except ValidationError as error:
            if reason := _bad_default(error, parameters):
                raise _as_pydantic(_fault(registered, reason)) from None
            raise
        except PydanticSerializationError as error:
            reason = f"its parameters cannot be stored: {error}"
            raise _as_pydantic(_fault(registered, reason)) from None
        except ValueError:  # validators raise it for a bad value
            raise
        except Exception as error:  # a plugin's fault must not abort validation
            raise _as_pydantic(_fault(registered, cause_of(error))) from None
        return component.as_written(name, registered.plugin.label)


def _bad_default(error: ValidationError, parameters: dict[str, Any]) -> str | None:
    """The default that its own field refuses, if that is the error."""
    for found in error.errors(include_url=False):
        if found["type"] != "missing" and found["loc"] and found["loc"][0] not in parameters:
            value = found["input"]
            return (
                f"the default of its field {found['loc'][0]}, {value!r}, is invalid: {found['msg']}"
            )
    return None


def _fault(registered: Registered, reason: str) -> Diagnostic:
    component, plugin = registered.component, registered.plugin
    return unusable(component.kind, registered.qualified, plugin, reason)


def _as_pydantic(diagnostic: Diagnostic) -> PydanticCustomError:
    return PydanticCustomError(
        "vaezoo_component",
        "{message}",  # an argument, because the message may contain braces
        {"message": diagnostic.message, "hint": diagnostic.hint, "code": diagnostic.code},
    )


def component_field(kind: str) -> tuple[PlainValidator, PlainSerializer]:
    """The annotations of a component field: ``Annotated[Encoder, *component_field("encoder")]``."""
    return PlainValidator(Resolve(kind)), PlainSerializer(Component.to_spec)
