"""Descriptions and tables of the registry's plugins and components."""

from vaezoo.registry.catalogue.describe import Description, Parameter, describe, locate
from vaezoo.registry.catalogue.spec_keys import PLACES, placed
from vaezoo.registry.catalogue.tables import ComponentRow, PluginRow, component_rows, plugin_rows

__all__ = [
    "PLACES",
    "ComponentRow",
    "Description",
    "Parameter",
    "PluginRow",
    "component_rows",
    "describe",
    "locate",
    "placed",
    "plugin_rows",
]
