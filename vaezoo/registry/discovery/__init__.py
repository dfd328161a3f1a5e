"""Find plugins, cache their metadata, and import them in isolation."""

from vaezoo.registry.discovery.find_plugins import THIRD_PARTY, Choice, find
from vaezoo.registry.discovery.isolation import cause_of, isolated
from vaezoo.registry.discovery.load_plugins import LOCK, Plugins
from vaezoo.registry.discovery.metadata_cache import MetadataCache, PluginMetadata
from vaezoo.registry.discovery.packages import Package, packages
from vaezoo.registry.discovery.plugin import Plugin, PluginSource

__all__ = [
    "LOCK",
    "THIRD_PARTY",
    "Choice",
    "MetadataCache",
    "Package",
    "Plugin",
    "PluginMetadata",
    "PluginSource",
    "Plugins",
    "cause_of",
    "find",
    "isolated",
    "packages",
]
