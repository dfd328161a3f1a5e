"""Generate a complete plugin package with one command."""

from vaezoo.registry.scaffold.new_plugin import Created, new_plugin

__all__ = ["Created", "new_plugin"]
