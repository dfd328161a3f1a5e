"""What is on offer: the registry's plugins and components, put into words and tables."""

from vaezoo.catalogue.describe import Description, Parameter, describe, locate
from vaezoo.catalogue.listing import ComponentRow, PluginRow, component_rows, plugin_rows
from vaezoo.catalogue.places import PLACES, placed

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
