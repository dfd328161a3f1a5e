"""Call a plugin's hooks and check what it supplies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pluggy

from vaezoo.registry import hookspecs, plugin_api
from vaezoo.registry.component import Component
from vaezoo.registry.component_kinds import KINDS
from vaezoo.registry.discovery import PluginMetadata

if TYPE_CHECKING:
    import click


#: Valid names of components, for use in specs, pages and code.
_NAME = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True)
class Supply:
    """A plugin's components and commands, and the metadata to cache."""

    components: list[type[Component]]
    commands: list[click.Command]
    facts: PluginMetadata

    @cached_property
    def by_name(self) -> dict[tuple[str, str], type[Component]]:
        """The components by kind and name; cached, because thousands of specs look them up."""
        return {(component.kind, component.use): component for component in self.components}


def ask(manager: pluggy.PluginManager, name: str, module: Any) -> Supply:
    """Register a plugin's module and call its hooks.

    Raises TypeError or ValueError if it breaks the contract, pluggy's error for a hook with wrong
    arguments, and any error of the plugin.
    """
    api = plugin_api.declared(module)
    for hook in hookspecs.HOOKS:
        function = getattr(module, hook, None)
        if callable(function) and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
            raise TypeError(f"{hook} lacks the decorator @hookimpl")
    manager.register(module, name=name)
    manager.check_pending()
    hooks = tuple(caller.name for caller in manager.get_hookcallers(module) or ())
    if not hooks:
        raise TypeError("it implements no hook; mark its functions with @hookimpl")
    components = _call(manager, name, "vaezoo_components", "component classes")
    names = [_name_of(component) for component in components]
    if api is None:
        for component in components:
            plugin_api.refuse_outdated(component)
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate:
        raise ValueError(f"it has two components named {' '.join(duplicate)}")
    commands = _call(manager, name, "vaezoo_commands", "click commands")
    for command in commands:
        if not getattr(command, "name", None) or not hasattr(command, "get_short_help_str"):
            raise TypeError(f"vaezoo_commands returned {command!r}, not a click command")
    lines = [(command.name, command.get_short_help_str(80)) for command in commands]
    return Supply(components, commands, PluginMetadata(hooks, tuple(names), tuple(lines)))


def _call(manager: pluggy.PluginManager, name: str, hook: str, of: str) -> list[Any]:
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == name:
            supplied: object = implementation.function()
            if not isinstance(supplied, list | tuple):
                raise TypeError(f"{hook} returned {supplied!r}, not a list of {of}")
            return list(supplied)
    return []


def _name_of(component: Any) -> tuple[str, str]:
    if not (isinstance(component, type) and issubclass(component, Component)):
        raise TypeError(f"vaezoo_components returned {component!r}, not a component class")
    if component.kind not in KINDS or not _NAME.fullmatch(component.use):
        raise TypeError(
            f"{component.__qualname__} needs a kind's base class and a name of letters, digits, "
            "'_', '.', '+' and '-': "
            f'class {component.__name__}(Encoder, use="name")'
        )
    return component.kind, component.use
