"""New plugins: a complete package of one's own from one command."""

from vaezoo.registry.scaffold.new_plugin import Created, new_plugin

__all__ = ["Created", "new_plugin"]
